import { type MillraceError, ResourceError, UnreachableError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link, Transport } from '../transport.js';
import { formatAlternatives, parseAlternatives } from './alternatives.js';
import { openedAfter, type RefusedRoute } from './tried-routes.js';

/** One transport of a stack. */
export interface Layer {
  readonly transport: Transport;
  /** Prefixes of the addresses that it accepts: `unix:`, `memory:`. */
  readonly schemes: readonly string[];
  /** True: it reaches processes of this program only. */
  readonly isLocal?: boolean;
  /** True: this process does not listen on it. */
  readonly isDialOnly?: boolean;
}

export interface StackOptions {
  readonly scheduler: Scheduler;
  /** A token of this program, unique among all programs. */
  readonly program: string;
  /** The nearest first. */
  readonly layers: readonly Layer[];
  readonly log?: Logger;
}

/** Part of the remaining time that one address may use if another one follows. */
const SHARE = 0.5;

/**
 * Several transports as one. It listens on all of them but those that only dial, and connects by the nearest one that reaches the peer. It chooses once per link;
 * a frame never moves from one link to another. The address of a link is the one that was chosen.
 */
export class StackTransport implements Transport {
  readonly name = 'stack';
  readonly #options: StackOptions;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    const alternatives = [];
    for (const { transport, isLocal, isDialOnly } of this.#options.layers) {
      if (isDialOnly === true) continue;
      const address = await transport.listen(onLink);
      alternatives.push({ address, program: isLocal === true ? this.#options.program : undefined });
    }
    return formatAlternatives(alternatives);
  }

  async connect(
    address: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Link> {
    const { scheduler, log = silentLogger } = this.#options;
    const deadlineMs = scheduler.now() + options.timeoutMs;
    const routes = this.#routes(address);
    const refused: RefusedRoute[] = [];
    let failure: MillraceError = new UnreachableError(
      `Connecting to ${address} failed: no transport of this process accepts that address.`,
    );
    for (const [index, route] of routes.entries()) {
      const leftMs = deadlineMs - scheduler.now();
      if (leftMs <= 0) break;
      const timeoutMs = index === routes.length - 1 ? leftMs : leftMs * SHARE;
      try {
        const link = await route.transport.connect(route.address, { ...options, timeoutMs });
        openedAfter(link, refused);
        return link;
      } catch (error) {
        // A transport without a free link slot or shared memory (ResourceError) must not keep us from the next address.
        if (!(error instanceof UnreachableError || error instanceof ResourceError)) throw error;
        const tried = { transport: route.transport.name, address: route.address, why: error.message };
        refused.push(tried);
        log.debug('connecting by one transport failed, trying the next', tried);
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

  /** The addresses that this process can use, with their transports, the nearest first. */
  #routes(address: string): { readonly transport: Transport; readonly address: string }[] {
    const { layers, program } = this.#options;
    const alternatives = parseAlternatives(address);
    return layers.flatMap(({ transport, schemes, isLocal }) =>
      alternatives
        .filter((alternative) =>
          isLocal === true ? alternative.program === program : alternative.program === undefined,
        )
        .filter((alternative) => schemes.some((scheme) => alternative.address.startsWith(scheme)))
        .map((alternative) => ({ transport, address: alternative.address })),
    );
  }
}
