/**
 * Conventional ids of processes, channels and pools: their ranges, how to decode one, and the allocators of all other ids.
 * Called by everything that names something across processes. Must never hold registrations. The ranges are known here only.
 */
export { CUidAllocator, ManagedPUidAllocator, OrdinalAllocator } from './allocators.js';
export {
  type Band,
  type ChannelRole,
  channelBands,
  GATEWAYS_PER_NODE,
  HOST_ADDERS,
  IDS_PER_ORDINAL,
  type Indexed,
  MAX_NODES,
  MAX_ORDINALS,
  type PoolRole,
  type ProcessRole,
  poolBands,
  processBands,
} from './bands.js';
export {
  backendFrontendCUid,
  backendGatewayCUid,
  backendLocalCUid,
  debugCUid,
  descriptorsCUid,
  gatewayCUid,
  globalServicesInputCUid,
  globalServicesPUid,
  globalServicesReturnCUid,
  globalServicesStdinCUid,
  globalServicesStdoutCUid,
  hostAdder,
  introspectionCUid,
  isManaged,
  launcherBackendCUid,
  launcherPUid,
  loggingServiceCUid,
  managedPUid,
  membershipCUid,
  nodeDefaultMUid,
  nodeLoggingMUid,
  ownerOrdinal,
  shepherdCUid,
  shepherdReturnCUid,
  transportAgentCUid,
  transportServicePUid,
  userCUid,
  userMUid,
} from './conventional.js';
export { firstOrdinalOf, firstProcessOf, firstResourceOf, firstSequenceOf, incarnationOfTerm } from './incarnation.js';
export {
  type CUid,
  cUid,
  describeId,
  type MUid,
  mUid,
  type Place,
  type PUid,
  placeOfCUid,
  placeOfMUid,
  placeOfPUid,
  pUid,
} from './uid.js';
