import { parseStoreAddress } from '../../cluster-store/index.js';
import { ConfigError } from '../../errors.js';
import { loadPart } from '../../installation.js';
import type { OptionValues } from '../../options/index.js';
import { isListening, transportSettings } from '../../transport/kinds/index.js';
import type { NetOptions } from './net-options.js';

const FILES = ['clusterKeyFile', 'tlsCertFile', 'tlsKeyFile', 'tlsCaFile'] as const;

/**
 * The link settings from the resolved options; undefined where the runtime has no links to other processes. Rejects with ConfigError for a
 * file that cannot be used.
 */
export async function netSettings(values: OptionValues): Promise<NetOptions | undefined> {
  const { listen, controlPlane, clusterStore, placement, advertisedHost, keyless } = values;
  const transports = transportSettings(values);
  const isAlone = controlPlane === 'none' && clusterStore === 'none';
  if (listen === 'none' && !isListening(transports) && isAlone && placement === 'inline') {
    return undefined;
  }
  return {
    keyless,
    ...transports,
    listen: listen !== 'none' ? listen : clusterStore === 'none' ? listenBeside(controlPlane) : listenFor(clusterStore),
    ...(advertisedHost !== '' && { advertisedHost }),
    ...(FILES.some((option) => values[option] !== '') && (await loadPart(import('./key-files.js'))).keyFiles(values)),
  };
}

/** A process that joins a cluster must be reachable by the others; a process that hosts partitions, by its partitions. */
function listenBeside(controlPlane: string): string {
  if (controlPlane === 'none' || /(^| )(unix:|wss?:\/\/(127\.[\d.]+|localhost|\[::1\])[:/])/.test(controlPlane)) {
    return 'unix:';
  }
  const near = /(?<place>(tcp|tls):\/\/(127\.[\d.]+|localhost|\[::1\])):\d/.exec(controlPlane)?.groups?.['place'];
  if (near !== undefined) {
    return `${near}:0`;
  }
  throw new ConfigError(
    `To join ${controlPlane}, this process must be reachable from other hosts: set the option listen.`,
  );
}

/** The processes of a store that is on this host are on this host, too. */
function listenFor(clusterStore: string): string {
  const address = parseStoreAddress(clusterStore);
  const isNear =
    address?.kind === 'embedded' ||
    address?.servers.every((server) => /^(127\.[\d.]+|localhost|\[::1\]):/.test(server)) === true;
  if (isNear) return 'unix:';
  throw new ConfigError(
    `A process of the cluster with the store ${clusterStore} must be reachable from other hosts: set the option listen.`,
  );
}
