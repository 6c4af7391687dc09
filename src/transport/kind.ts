import type { Logger } from '../logging/index.js';
import type { Scheduler } from '../scheduler/index.js';
import type { LinkLibrary, LinkSecurity, ListenOptions } from './link-options.js';
import type { Layer } from './stack/index.js';
import type { Transport } from './transport.js';

/** A transport of a partition to other processes, with the addresses that it accepts. */
export interface ExternalLayer extends Layer {
  readonly transport: Transport & {
    /** Ends at once, as if the process had exited. */
    abort(): Promise<void>;
  };
}

export interface OpenKindOptions<Settings> {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly links: ListenOptions & LinkSecurity & Settings;
  /** A peer that is silent for this long is unresponsive, in ms. */
  readonly linkDeadMs: number;
}

/** A kind of transport, ready on one thread. */
export interface OpenKind {
  /** Its native library; undefined if it needs none, or is not to be used. */
  readonly library?: LinkLibrary;
  /**
   * The transports of the partition with this index in its process, which is to listen at this address, the nearest first. None if the kind
   * cannot be used here.
   */
  layers(listen: string, partition: number): readonly ExternalLayer[];
  /** Called right before a thread of this process is terminated that has such transports. */
  silence?(threadId: number): void;
  /** Removes what a partition has left that ended without closing its transports. `threadId`: undefined for a process. */
  sweep?(addresses: readonly string[], threadId: number | undefined): Promise<void>;
  /** Removes what others would find of a partition that ends at once, synchronously. */
  abandon?(addresses: readonly string[]): void;
}

/**
 * A kind of transport to other processes, as the runtime knows it. It is a few lines that load with the runtime; `open` loads the
 * transport itself. A new kind is a folder, and an entry of the list in `kinds`.
 */
export interface TransportKind<Settings = object> {
  /** As `Transport.name`. */
  readonly name: string;
  /** What its addresses begin with. */
  readonly schemes: readonly string[];
  /** Rejects with ResourceError if the settings require what is not installed, ConfigError if they contradict one another. */
  open(options: OpenKindOptions<Settings>): Promise<OpenKind>;
}
