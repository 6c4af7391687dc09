import { ConfigError } from '../../errors.js';
import { loadPart } from '../../installation.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Transport } from '../../transport/index.js';
import type { MemoryNetwork, MemoryTransportOptions } from '../../transport/memory/index.js';
import type { NetOptions } from './net-options.js';
import type { ExternalOptions, ExternalTransports } from './external-transports.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';

type Place = MemoryTransportOptions & { readonly crashed: () => void };

/** Creates the transports of a program's partitions. */
export interface Transports {
  /** Those to other processes; undefined where the program has no links to any. */
  readonly external: ExternalTransports | undefined;
  /** Creates the transport of one partition of one process. */
  transport(partition: number, place: Place): Transport;
}

/** Throws ConfigError where virtual time would have to wait for real processes. */
export function assertReal(net: NetOptions | undefined, { isVirtual }: Scheduler): void {
  if (net !== undefined && isVirtual) {
    throw new ConfigError(
      'Virtual time cannot wait for processes of the operating system: leave out net, or the seed.',
    );
  }
}

/** Throws ConfigError where partitions on threads or in processes would bypass virtual time, or a recorder. */
export function assertPlaceable(
  { placement = 'inline', partitionProgram }: Pick<RuntimeOptions, 'placement' | 'partitionProgram'>,
  { isVirtual }: Scheduler,
  interceptor: RuntimeInterceptor | undefined,
): void {
  if (placement === 'inline') return;
  if (isVirtual) {
    throw new ConfigError(
      `Virtual time runs on one event loop: leave out placement ${placement}, or do not use virtual time.`,
    );
  }
  if (interceptor === undefined) return;
  if (interceptor.elsewhere === undefined) {
    throw new ConfigError(
      `This recorder records what runs on this event loop only: give Runtime.start the recorder of a RecordingFile, or leave out placement ${placement}.`,
    );
  }
  if (partitionProgram !== undefined) {
    throw new ConfigError(
      `A bundle records what runs on its own event loop only, and partitionProgram names the partitions' own program: leave out the recording, or placement ${placement}.`,
    );
  }
}

/** Transports on the pseudo-network only, within this program. */
export function localTransports(network: MemoryNetwork): Transports {
  return { external: undefined, transport: (_partition, place) => network.transport(place) };
}

/**
 * Transports on the pseudo-network within this program, and to other processes; each link uses the nearest one. Loads the external
 * transports on first use: most programs need none, and start faster without them.
 */
export async function localAndExternalTransports(
  network: MemoryNetwork,
  options: ExternalOptions,
): Promise<Transports> {
  const { ExternalTransports } = await loadPart(import('./external-transports.js'));
  const external = await ExternalTransports.open(options);
  const transport: Transports['transport'] = (partition, { crashed, ...place }) => {
    const outer = external.layers(partition);
    const crash = (): void => {
      // Its processes are killed before they can see that their links end, and end in order.
      crashed();
      for (const { transport } of outer) void transport.abort();
    };
    return external.stack([network.layer({ ...place, crashed: crash }), ...outer]);
  };
  return { external, transport };
}
