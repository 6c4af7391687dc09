import { ConfigError } from '../errors.js';
import { limits } from '../limits.js';
import { exportTopology } from './native.js';
import { readTopology, type Topology } from './topology/index.js';

/**
 * A synthetic hwloc topology: `pack:2 numa:2 l3:1 core:4 pu:2`. Throws ConfigError if the text is not such a description, and
 * ResourceError without libhwloc.
 */
export function syntheticTopology(description: string): Topology {
  // hwloc has no bound of its own: a large number would exhaust memory.
  const counts = [...description.replaceAll(/[[(][^\])]*[\])]/g, ' ').matchAll(/(?:^|\s|:)(\d+)(?=\s|$)/g)];
  const processors = counts.reduce((product, [, count]) => product * Number(count), 1);
  if (processors > limits.syntheticProcessors) {
    throw new ConfigError(
      `"${description}" has ${processors} processors; a synthetic topology may have ${limits.syntheticProcessors}.`,
    );
  }
  return readTopology(exportTopology(description), `"${description}"`);
}
