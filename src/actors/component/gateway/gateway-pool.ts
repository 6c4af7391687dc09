import { AskAbortedError, ProtocolError } from '../../../errors.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import { type ActorRef, systemKey, type UntypedRef } from '../../kernel/index.js';
import { isThrough, type Lease, type ReachedNetwork, reportedInto, summed } from '../network/index.js';
import { type LendingPool, type Lent, type PoolActor, poolBehavior, type ReachingRequest } from '../pool/index.js';
import { Forwarder } from './forwarder.js';
import type { Places } from './places.js';
import type { Side } from './side.js';

/** Sweeps, of one a second, between two times that all pools are asked to tell what changes. */
const REFRESH_SWEEPS = 5;

export interface GatewayPoolOptions {
  readonly service: AnyService;
  /** The network that it is in. */
  readonly side: Side;
  /** Those that it leads to. */
  readonly others: readonly Side[];
  /** Of all pools of the gateway together. */
  readonly places: Places;
  /** Called now and then. */
  readonly look: () => void;
}

/** A request that has a container, or waits for one. */
interface Passing {
  readonly key: string;
  readonly untilMs: number;
  /** Aborted when it is over. */
  readonly over: AbortController;
  lent: { readonly lease: Lease; readonly forwarder: Forwarder; readonly ref: UntypedRef } | undefined;
}

/** The pool by which a gateway lends containers of other networks to requests of one network. */
export class GatewayPool implements LendingPool {
  readonly #options: GatewayPoolOptions;
  readonly #passing = new Map<string, Passing>();
  #tools: PoolActor | undefined;
  #isClosing = false;
  #version = 0;
  #reported = '';
  #sweeps = 0;
  #emptied: () => void = () => {};

  constructor(options: GatewayPoolOptions) {
    this.#options = options;
  }

  get network(): string {
    return this.#options.side.network;
  }

  get service(): AnyService {
    return this.#options.service;
  }

  /** Requests that have a container of another network, or wait for one. */
  get requests(): number {
    return this.#passing.size;
  }

  get reached(): readonly ReachedNetwork[] {
    return this.#isClosing ? [] : reportedInto(this.network, this.#options.others);
  }

  start(): ActorRef<typeof v1.ComponentPool> {
    const { side } = this.#options;
    const actor = side.runtime[systemKey].spawn(
      poolBehavior({
        pool: this,
        isGateway: true,
        reportMs: limits.networkGatewayReportMs,
        // Limits hold within their own network.
        limited: () => {},
        load: () => this.#load(),
        started: (tools) => (this.#tools = tools),
      }),
    );
    side.own = actor;
    return actor;
  }

  async acquire(request: ReachingRequest): Promise<Lent> {
    const refused = this.#refusal(request);
    if (refused !== undefined) return { refused };
    const { key, leaseMs } = request;
    const untilMs = this.#options.side.runtime.scheduler.now() + leaseMs;
    const passing: Passing = { key, untilMs, over: new AbortController(), lent: undefined };
    this.#options.places.take();
    this.#passing.set(key, passing);
    try {
      const lent = await this.#find(request, passing);
      if ('refused' in lent) this.#end(passing);
      return lent;
    } catch (error) {
      this.#end(passing);
      throw error;
    }
  }

  /** What its forwarder knows counts, and not what the caller says. */
  release(key: string): void {
    const passing = this.#passing.get(key);
    if (passing !== undefined) this.#end(passing);
  }

  /** It watches nothing but callers. */
  ended(): void {}

  /** Callers that have forgotten a request have it for as long as they have said. */
  sweep(): void {
    const nowMs = this.#options.side.runtime.scheduler.now();
    for (const passing of this.#passing.values()) if (passing.untilMs <= nowMs) this.#end(passing);
    this.#sweeps++;
    if (this.#sweeps % REFRESH_SWEEPS !== 0) return;
    this.#options.side.refreshSoon();
    this.#options.look();
  }

  /** Takes no further request, and reports that it reaches nothing. */
  refuse(): void {
    this.#isClosing = true;
    this.#tools?.report();
  }

  drain(): void {
    this.#isClosing = true;
    for (const passing of this.#passing.values()) this.#end(passing);
  }

  /** Resolves when it passes nothing on any more, at the latest after `drainMs`. */
  async emptied(drainMs: number): Promise<void> {
    if (this.#passing.size === 0) return;
    const { scheduler } = this.#options.side.runtime;
    await new Promise<void>((resolve) => {
      const late = scheduler.setTimer(drainMs, resolve);
      this.#emptied = () => {
        scheduler.clearTimer(late);
        resolve();
      };
    });
    this.#emptied = () => {};
  }

  #refusal({ key, mayLeave, networks }: ReachingRequest): string | undefined {
    if (!isThrough(networks)) {
      throw new ProtocolError(
        `A request has come through at most ${limits.networkGatewayHops} networks, each of them once, with names of 1 to 64 characters.`,
      );
    }
    if (this.#isClosing) return 'it is closing';
    if (!mayLeave) return 'the request must not leave its network';
    if (networks.includes(this.network)) return `the request has come through the network "${this.network}" before`;
    if (networks.length >= limits.networkGatewayHops) return `the request has come through ${networks.length} networks`;
    if (this.#passing.has(key)) return 'its number is that of another request';
    const { places } = this.#options;
    if (places.isFull) return `it passes on ${places.most} requests already, the most at a time`;
    return undefined;
  }

  /** Asks the other networks in turn: first for what they have at once, where there are several. */
  async #find(request: ReachingRequest, passing: Passing): Promise<Lent> {
    const { withinMs, networks } = request;
    const { scheduler } = this.#options.side.runtime;
    const beganMs = scheduler.now();
    const others = this.#options.others
      .filter(({ network }) => !networks.includes(network))
      .map((side) => ({ side, idle: summed(side.pools).idle }))
      .sort((one, other) => other.idle - one.idle)
      .map(({ side }) => side);
    const tried = new Map<Side, string>();
    const rounds = withinMs === undefined && others.length > 1 ? [0, undefined] : [withinMs];
    for (const round of rounds) {
      for (const side of others) {
        const passedMs = scheduler.now() - beganMs;
        const within = round === undefined ? undefined : Math.max(0, round - passedMs);
        const found = await this.#seek(side, { request, passing, within, passedMs });
        if (typeof found !== 'string') return this.#lend(side, found, passing);
        if (passing.over.signal.aborted) return { refused: 'the request was withdrawn' };
        tried.set(side, found);
      }
    }
    const why = [...tried].map(([{ network }, text]) => `network "${network}": ${text}`);
    return {
      refused: why.length === 0 ? 'it leads only to networks that the request has come through' : why.join(', '),
    };
  }

  /** A container of a network, or why that has none: not more than how many were asked, since callers do not see the processes of another network. */
  async #seek(
    side: Side,
    given: {
      readonly request: ReachingRequest;
      readonly passing: Passing;
      readonly within: number | undefined;
      readonly passedMs: number;
    },
  ): Promise<Lease | string> {
    const { request, passing, within, passedMs } = given;
    const { waitedMs, timeoutMs, leaseMs, networks } = request;
    const leftMs = timeoutMs - passedMs;
    if (leftMs <= 0) return 'it was not asked by the deadline';
    try {
      const found = await side.acquirer.seek({
        what: this.#options.service.typeName,
        only: 'any',
        within,
        waitedMs: waitedMs + passedMs,
        deadlineMs: side.runtime.scheduler.now() + leftMs,
        isStream: leaseMs === Number.POSITIVE_INFINITY,
        signal: passing.over.signal,
        through: [...networks, this.network],
        avoids: (pool) => side.avoids(pool),
      });
      if ('container' in found) return found;
      return found.size === 0 ? 'no process serves it' : `none of ${found.size} pools has one in time`;
    } catch (caught) {
      const error = errorOf(caught);
      if (!(error instanceof AskAbortedError)) {
        side.log.debug('a network was not asked for a container', {
          network: side.network,
          error: namedMessageOf(error),
        });
      }
      return `it could not be asked (${error.name})`;
    }
  }

  #lend(side: Side, lease: Lease, passing: Passing): Lent {
    const tools = this.#tools;
    if (tools === undefined || passing.over.signal.aborted) {
      lease.release(false);
      return { refused: 'the request was withdrawn' };
    }
    const { service } = this.#options;
    try {
      const container = side.runtime[systemKey].reference(service, lease.container);
      const forwarder = new Forwarder(service, { network: side.network, container, untilMs: passing.untilMs });
      const ref = tools.spawn(forwarder.behavior);
      passing.lent = { lease, forwarder, ref };
      return { container: { ref } };
    } catch (error) {
      lease.release(false);
      throw error;
    }
  }

  #end(passing: Passing): void {
    // Another request may have its number by now.
    if (this.#passing.get(passing.key) !== passing) return;
    this.#passing.delete(passing.key);
    const { places, side } = this.#options;
    places.give();
    passing.over.abort();
    if (passing.lent !== undefined) {
      const { lease, forwarder, ref } = passing.lent;
      forwarder.end();
      lease.release(forwarder.hasAnswered);
      this.#tools?.stop(ref).catch((error: unknown) => {
        side.log.debug('a forwarder has ended before', { error: namedMessageOf(error) });
      });
    }
    if (this.#passing.size === 0) this.#emptied();
  }

  #load(): v1.PoolLoadInit {
    const { side, service } = this.#options;
    const { reached } = this;
    const shown = JSON.stringify(reached);
    if (shown !== this.#reported) this.#version++;
    this.#reported = shown;
    return {
      pool: side.own?.toRef().cUid ?? 0n,
      component: service.typeName,
      node: side.runtime.node,
      process: side.runtime.name,
      ...summed(reached),
      gateway: v1.GatewayLoad.create({
        network: side.network,
        version: this.#version,
        reached: reached.map((way) => v1.ReachedNetwork.create(way)),
      }),
    };
  }
}
