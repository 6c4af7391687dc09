import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { type Scheduler, systemEntropy } from '../../scheduler/index.js';
import type { ExternalLayer, LinkLibrary, OpenKind, Transport, TransportKind } from '../../transport/index.js';
import { transportKinds, type TransportSettings } from '../../transport/kinds/index.js';
import { type Layer, StackTransport } from '../../transport/stack/index.js';
import type { LinkSettings } from './net-options.js';

type Kind = TransportKind<TransportSettings>;

export interface ExternalOptions extends LinkSettings {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** The nearest first. Default: all. */
  readonly kinds?: readonly Kind[];
}

interface Opened {
  readonly kind: Kind;
  readonly open: OpenKind;
}

/** The transports to other processes, for all partitions of one thread. */
export class ExternalTransports {
  readonly #options: ExternalOptions;
  readonly #opened: readonly Opened[];
  /** Distinguishes the addresses within this program from those within others. */
  readonly #program = Buffer.from(systemEntropy(8)).toString('hex');

  private constructor(options: ExternalOptions, opened: readonly Opened[]) {
    this.#options = options;
    this.#opened = opened;
  }

  /** Rejects with ResourceError where a transport is required and missing, ConfigError where the settings contradict one another. */
  static async open(options: ExternalOptions): Promise<ExternalTransports> {
    const { net: links, linkDeadMs = limits.linkDeadMs, without = [], scheduler, log } = options;
    const kinds = (options.kinds ?? transportKinds).filter(({ name }) => !without.includes(name));
    const opened: Opened[] = [];
    for (const kind of kinds) opened.push({ kind, open: await kind.open({ scheduler, log, links, linkDeadMs }) });
    return new ExternalTransports(options, opened);
  }

  /** The native libraries that links of this thread may use. */
  get libraries(): readonly LinkLibrary[] {
    return this.#opened.flatMap(({ open: { library } }) => (library === undefined ? [] : [library]));
  }

  /** The transports of one partition, the nearest first. */
  layers(partition: number): readonly ExternalLayer[] {
    const listen = listenOf(partition, this.#options.net.listen);
    return this.#opened.flatMap(({ open }) => open.layers(listen, partition));
  }

  /** The transports of one partition as one. */
  transport(partition: number): Transport {
    return this.stack(this.layers(partition));
  }

  /** Several transports of this program as one; `layers`: the nearest first. */
  stack(layers: readonly Layer[]): Transport {
    const { scheduler, log } = this.#options;
    return new StackTransport({ scheduler, log, program: this.#program, layers });
  }

  /**
   * Loads the native libraries. Returns the names of the kinds whose library does not load; that was logged. Call it before any thread
   * starts: loading may change environment variables for a moment, and a thread might read them.
   */
  unusable(): readonly string[] {
    return this.#opened.flatMap(({ kind, open }) => (open.library?.isLoaded() === false ? [kind.name] : []));
  }

  /** Called right before a thread with such transports is terminated, or ends with this process: an event for it would abort the process then. */
  silence(threadId: number): void {
    for (const { open } of this.#opened) open.silence?.(threadId);
  }

  /** Removes what a partition has left that listened at `address` and ended without closing its transports. */
  async sweep(address: string, threadId: number | undefined): Promise<void> {
    await Promise.all(this.#opened.map(async ({ kind, open }) => open.sweep?.(addressesOf(kind, address), threadId)));
  }

  /** Removes what others would find of the partition that listens at `address`, when its thread or process ends at once. */
  abandon(address: string): void {
    for (const { kind, open } of this.#opened) open.abandon?.(addressesOf(kind, address));
  }
}

/** Those of the addresses of a partition, which blanks separate, that belong to the kind. */
function addressesOf({ schemes }: Kind, address: string): string[] {
  return address.split(' ').filter((word) => schemes.some((scheme) => word.startsWith(scheme)));
}

/** The first partition listens at the given address; the others use any free port, and are found through the control plane. */
function listenOf(partition: number, listen = 'unix:'): string {
  if (partition === 0) return listen;
  return listen.startsWith('unix:') ? 'unix:' : listen.replace(/:\d+$/, ':0');
}
