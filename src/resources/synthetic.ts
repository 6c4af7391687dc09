import { ConfigError } from '../errors.js';
import { limits } from '../limits.js';
import { exportTopology } from './native.js';
import { readTopology, type Topology } from './topology/index.js';

/**
 * The machine that a synthetic description of hwloc says: `pack:2 numa:2 l3:1 core:4 pu:2`. Throws ConfigError if the text is
 * not such a description, ResourceError without libhwloc.
 */
export function syntheticTopology(description: string): Topology {
  // hwloc itself would make as many as it is told to, until memory is at its end.
  const counts = [...description.replaceAll(/[[(][^\])]*[\])]/g, ' ').matchAll(/(?:^|\s|:)(\d+)(?=\s|$)/g)];
  const processors = counts.reduce((product, [, count]) => product * Number(count), 1);
  if (processors > limits.syntheticProcessors) {
    throw new ConfigError(
      `"${description}" has ${processors} processors; ${limits.syntheticProcessors} is the most of a synthetic topology.`,
    );
  }
  return readTopology(exportTopology(description), `"${description}"`);
}
