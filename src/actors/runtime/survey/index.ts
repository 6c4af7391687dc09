/**
 * Looking at a running cluster from outside: a visitor has links to its processes, and no place in it. The command line calls it. A survey
 * must never change what it looks at.
 */
export { type ClusterSurvey, type SurveyedPartition, surveyCluster } from './survey.js';
export { explainCluster, type Explained, type ExplainedFact, type ExplainOptions } from './explain.js';
export { ExplainingCalls } from './explaining-calls.js';
export { surveyNetwork } from './network-survey.js';
export { listedPartitions } from './listed-partitions.js';
export { type Peers, RuntimePeers } from './peers.js';
export { controlPlaneOf, openVisitor, Visitor } from './visitor.js';
