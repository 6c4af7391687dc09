import { parseStoreAddress } from '../../cluster-store/index.js';
import { ConfigError } from '../../errors.js';
import { isLoopbackHost, withoutBrackets } from '../../host-name.js';
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
  const { listen, controlPlane, clusterStore, seeds, placement, advertisedHost, keyless } = values;
  const transports = transportSettings(values);
  const isAlone = controlPlane === 'none' && clusterStore === 'none' && seeds.length === 0;
  if (listen === 'none' && !isListening(transports) && isAlone && placement === 'inline') {
    return undefined;
  }
  return {
    keyless,
    ...transports,
    listen: listen !== 'none' ? listen : listenWith(values),
    ...(advertisedHost !== '' && { advertisedHost }),
    ...(FILES.some((option) => values[option] !== '') && (await loadPart(import('./key-files.js'))).keyFiles(values)),
  };
}

/** Where a process listens that says nothing of that, and that others must reach. */
function listenWith({ controlPlane, clusterStore, seeds }: OptionValues): string {
  if (clusterStore !== 'none') return listenFor(clusterStore);
  return listenBeside(seeds.length > 0 ? seeds.join(' ') : controlPlane);
}

/** The scheme and the host of each address of a control plane that has a host; an IPv6 address is in brackets. */
const PLACE = /\b(?<scheme>tcp|tls|wss?):\/\/(?<host>\[[\da-f:.]+\]|[\w.-]+)(?=[:/])/gi;

/** Whether the host is this one, by an address that only its own processes reach. */
function isNear(host = ''): boolean {
  return isLoopbackHost(withoutBrackets(host));
}

/** A process that joins a cluster must be reachable by the others; a process that hosts partitions, by its partitions. */
function listenBeside(controlPlane: string): string {
  if (controlPlane === 'none' || /(^| )(unix|zmq\+ipc):/.test(controlPlane)) return 'unix:';
  const near = [...controlPlane.matchAll(PLACE)]
    .flatMap(({ groups }) => (groups === undefined ? [] : [groups]))
    .filter(({ host }) => isNear(host));
  if (near.some(({ scheme }) => /^wss?$/i.test(scheme ?? ''))) return 'unix:';
  const [place] = near;
  if (place !== undefined) return `${place['scheme']}://${place['host']}:0`;
  throw new ConfigError(
    `To join ${controlPlane}, this process must be reachable from other hosts: set the option listen.`,
  );
}

/** The processes of a store that is on this host are on this host, too. */
function listenFor(clusterStore: string): string {
  const address = parseStoreAddress(clusterStore);
  const isHere =
    address?.kind === 'embedded' || address?.servers.every((server) => isNear(server.replace(/:\d+$/, ''))) === true;
  if (isHere) return 'unix:';
  throw new ConfigError(
    `A process of the cluster with the store ${clusterStore} must be reachable from other hosts: set the option listen.`,
  );
}
