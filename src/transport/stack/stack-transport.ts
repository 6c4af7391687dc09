import { type MillraceError, ResourceError, UnreachableError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link, Transport } from '../transport.js';
import { formatAlternatives, parseAlternatives } from './alternatives.js';

/** One transport of a stack. */
export interface Layer {
  readonly transport: Transport;
  /** Beginnings of the addresses that it knows: `unix:`, `memory:`. */
  readonly schemes: readonly string[];
  /** It leads to processes of this program only. */
  readonly isInside?: boolean;
}

export interface StackOptions {
  readonly scheduler: Scheduler;
  /** Unlike that of any other program. */
  readonly program: string;
  /** The nearest first. */
  readonly layers: readonly Layer[];
  readonly log?: Logger;
}

/** Part of the time that is left for a way, where another comes behind it. */
const SHARE = 0.5;

/**
 * Several transports as one: it listens on all of them, and connects by the nearest that leads there. The choice is made once for each
 * link; a frame never moves from one link to another. The address of a link is that of the way taken.
 */
export class StackTransport implements Transport {
  readonly name = 'stack';
  readonly #options: StackOptions;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    const alternatives = [];
    for (const { transport, isInside } of this.#options.layers) {
      const address = await transport.listen(onLink);
      alternatives.push({ address, program: isInside === true ? this.#options.program : undefined });
    }
    return formatAlternatives(alternatives);
  }

  async connect(
    address: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Link> {
    const { scheduler, log = silentLogger } = this.#options;
    const deadlineMs = scheduler.now() + options.timeoutMs;
    const ways = this.#ways(address);
    let failure: MillraceError = new UnreachableError(
      `Connecting to ${address} failed: no transport here knows the way.`,
    );
    for (const [index, way] of ways.entries()) {
      const leftMs = deadlineMs - scheduler.now();
      if (leftMs <= 0) break;
      const timeoutMs = index === ways.length - 1 ? leftMs : leftMs * SHARE;
      try {
        return await way.transport.connect(way.address, { ...options, timeoutMs });
      } catch (error) {
        // No room for one more link here, or no memory to share, is no reason not to take a longer way.
        if (!(error instanceof UnreachableError || error instanceof ResourceError)) throw error;
        log.debug('a way leads nowhere', { transport: way.transport.name, address: way.address, why: error.message });
        failure = error;
      }
    }
    throw failure;
  }

  flush(): void {
    for (const { transport } of this.#options.layers) transport.flush();
  }

  async close(): Promise<void> {
    await Promise.all(this.#options.layers.map(({ transport }) => transport.close()));
  }

  /** The ways that this process can take, the nearest first. */
  #ways(address: string): { readonly transport: Transport; readonly address: string }[] {
    const { layers, program } = this.#options;
    const alternatives = parseAlternatives(address);
    return layers.flatMap(({ transport, schemes, isInside }) =>
      alternatives
        .filter((way) => (isInside === true ? way.program === program : way.program === undefined))
        .filter((way) => schemes.some((scheme) => way.address.startsWith(scheme)))
        .map((way) => ({ transport, address: way.address })),
    );
  }
}
