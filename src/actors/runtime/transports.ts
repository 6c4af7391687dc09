import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { type Scheduler, systemEntropy } from '../../scheduler/index.js';
import type { Transport } from '../../transport/index.js';
import type { MemoryNetwork, MemoryTransportOptions } from '../../transport/memory/index.js';
import type { NetTransportOptions } from '../../transport/net/index.js';

/** How processes of the operating system reach this one, and how it reaches them. */
export type NetOptions = Omit<NetTransportOptions, 'scheduler' | 'log' | 'entropy' | 'linkDeadMs'>;

type Place = MemoryTransportOptions & { readonly crashed: () => void };

/** Makes the transport of one partition of one process. */
export type Transports = (partition: number, place: Place) => Transport;

/** ConfigError where virtual time would have to wait for real processes. */
export function assertReal(net: NetOptions | undefined, { isVirtual }: Scheduler): void {
  if (net !== undefined && isVirtual) {
    throw new ConfigError(
      'Virtual time cannot wait for processes of the operating system: leave out net, or the seed.',
    );
  }
}

/** Inside a program partitions meet on the pseudo-network, and nowhere else. */
export function inside(network: MemoryNetwork): Transports {
  return (_partition, place) => network.transport(place);
}

/**
 * They are reached by processes of the operating system too, by sockets: the nearest way is taken. Sockets are loaded here only: most
 * programs have none, and start sooner without them.
 */
export async function insideAndOutside(
  { net, linkDeadMs = limits.linkDeadMs }: { readonly net: NetOptions; readonly linkDeadMs?: number | undefined },
  network: MemoryNetwork,
  scheduler: Scheduler,
  log: Logger,
): Promise<Transports> {
  const { NetTransport } = await import('../../transport/net/index.js');
  const { StackTransport } = await import('../../transport/stack/index.js');
  const program = Buffer.from(systemEntropy(8)).toString('hex');
  return (partition, { crashed, ...place }) => {
    const sockets = new NetTransport({ ...net, listen: listenOf(partition, net.listen), scheduler, log, linkDeadMs });
    const crash = (): void => {
      void sockets.abort();
      crashed();
    };
    const layers = [
      { transport: network.transport({ ...place, crashed: crash }), schemes: ['memory:'], isInside: true },
      { transport: sockets, schemes: ['unix:', 'tcp:', 'tls:'] },
    ] as const;
    return new StackTransport({ scheduler, program, layers });
  };
}

/** The first partition is at the address that was given; the others, next to it, are found through the control plane. */
function listenOf(partition: number, listen = 'unix:'): string {
  if (partition === 0) {
    return listen;
  }
  return listen.startsWith('unix:') ? 'unix:' : listen.replace(/:\d+$/, ':0');
}
