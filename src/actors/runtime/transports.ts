import { ConfigError } from '../../errors.js';
import { loadPart } from '../../installation.js';
import { type Scheduler, systemEntropy } from '../../scheduler/index.js';
import type { LinkLibrary, Transport } from '../../transport/index.js';
import type { MemoryNetwork, MemoryTransportOptions } from '../../transport/memory/index.js';
import type { Placement } from './hosting/index.js';
import type { NetOptions } from './net-options.js';
import type { OutsideOptions } from './outside.js';
import type { RuntimeTap } from './segment-tap.js';

type Place = MemoryTransportOptions & { readonly crashed: () => void };

/** How the partitions of a program reach others. */
export interface Transports {
  /** UCX, for its thread; undefined where it has no links out of it. */
  readonly library: LinkLibrary | undefined;
  /** Makes the transport of one partition of one process. */
  transport(partition: number, place: Place): Transport;
}

/** ConfigError where virtual time would have to wait for real processes. */
export function assertReal(net: NetOptions | undefined, { isVirtual }: Scheduler): void {
  if (net !== undefined && isVirtual) {
    throw new ConfigError(
      'Virtual time cannot wait for processes of the operating system: leave out net, or the seed.',
    );
  }
}

/** ConfigError where partitions on threads or in processes would escape virtual time, or what records. */
export function assertPlaceable(placement: Placement, { isVirtual }: Scheduler, tap: RuntimeTap | undefined): void {
  if (placement === 'inline') return;
  if (isVirtual) {
    throw new ConfigError(
      `Virtual time runs on one event loop: leave out placement ${placement}, or what makes this a simulation.`,
    );
  }
  if (tap !== undefined) {
    throw new ConfigError(`Only what runs on this event loop can be recorded: leave out placement ${placement}.`);
  }
}

/** Inside a program partitions meet on the pseudo-network, and nowhere else. */
export function inside(network: MemoryNetwork): Transports {
  return { library: undefined, transport: (_partition, place) => network.transport(place) };
}

/**
 * They are reached by processes of the operating system too, by shared memory and sockets: the nearest way is taken. Those are loaded
 * here only: most programs have none, and start sooner without them.
 */
export async function insideAndOutside(network: MemoryNetwork, options: OutsideOptions): Promise<Transports> {
  const { outsideLayers } = await loadPart(import('./outside.js'));
  const { StackTransport } = await loadPart(import('../../transport/stack/index.js'));
  const { UcxLibrary } = await loadPart(import('../../transport/ucx/index.js'));
  const { scheduler, log } = options;
  const library = new UcxLibrary({ log });
  const program = Buffer.from(systemEntropy(8)).toString('hex');
  const outside = outsideLayers({ ...options, library });
  const transport: Transports['transport'] = (partition, { crashed, ...place }) => {
    const outer = outside(partition);
    const crash = (): void => {
      for (const { transport } of outer) void transport.abort();
      crashed();
    };
    const inner = { transport: network.transport({ ...place, crashed: crash }), schemes: ['memory:'], isLocal: true };
    return new StackTransport({ scheduler, log, program, layers: [inner, ...outer] });
  };
  return { library, transport };
}
