import { AskAbortedError, ProtocolError } from '../../../errors.js';
import { errorOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import { type ActorRef, systemKey, type UntypedRef } from '../../kernel/index.js';
import { areAsked, isThrough, type Lease, type ReachedNetwork, reportedInto, summed } from '../network/index.js';
import { type LendingPool, type Lent, type PoolActor, poolBehavior, type ReachingRequest } from '../pool/index.js';
import { Forwarder } from './forwarder.js';
import type { GatewayNetwork } from './gateway-network.js';
import type { RequestBudget } from './request-budget.js';

/** Sweeps, of one a second, between two times that all pools are asked to tell what changes. */
const REFRESH_SWEEPS = 5;

export interface GatewayPoolOptions {
  readonly service: AnyService;
  /** The network that it is in. */
  readonly own: GatewayNetwork;
  /** Those that it leads to. */
  readonly others: readonly GatewayNetwork[];
  /** Of all pools of the gateway together. */
  readonly budget: RequestBudget;
  /** Called now and then: closes the gateway where two of its networks have become one. */
  readonly checkApart: () => void;
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
  /** What it reaches, until a pool of the other networks is heard. */
  #reached: { readonly state: string; readonly shown: string; readonly all: readonly ReachedNetwork[] } = {
    state: '',
    shown: '',
    all: [],
  };
  #version = 0;
  #sweeps = 0;
  #emptied: () => void = () => {};

  constructor(options: GatewayPoolOptions) {
    this.#options = options;
  }

  get network(): string {
    return this.#options.own.name;
  }

  get service(): AnyService {
    return this.#options.service;
  }

  /** Requests that have a container of another network, or wait for one. */
  get requests(): number {
    return this.#passing.size;
  }

  get reached(): readonly ReachedNetwork[] {
    const { others } = this.#options;
    const state = this.#isClosing ? 'closing' : others.map(({ changes }) => changes).join(' ');
    if (state === this.#reached.state) return this.#reached.all;
    const all = this.#isClosing ? [] : reportedInto(this.network, others);
    const shown = JSON.stringify(all);
    if (shown !== this.#reached.shown) this.#version++;
    this.#reached = { state, shown, all };
    return all;
  }

  start(): ActorRef<typeof v1.ComponentPool> {
    const { own } = this.#options;
    const actor = own.runtime[systemKey].spawn(
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
    own.pool = actor;
    return actor;
  }

  async acquire(request: ReachingRequest): Promise<Lent> {
    const refused = this.#refusal(request);
    if (refused !== undefined) return { refused };
    const { budget } = this.#options;
    if (!budget.tryTake()) return { refused: `it passes on ${budget.most} requests already, the most at a time` };
    const { key, leaseMs } = request;
    const untilMs = this.#options.own.runtime.scheduler.now() + leaseMs;
    const passing: Passing = { key, untilMs, over: new AbortController(), lent: undefined };
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
    const nowMs = this.#options.own.runtime.scheduler.now();
    for (const passing of this.#passing.values()) if (passing.untilMs <= nowMs) this.#end(passing);
    this.#sweeps++;
    if (this.#sweeps % REFRESH_SWEEPS !== 0) return;
    this.#options.own.refreshSoon();
    this.#options.checkApart();
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
    const { scheduler } = this.#options.own.runtime;
    await new Promise<void>((resolve) => {
      const late = scheduler.setTimer(drainMs, resolve);
      this.#emptied = () => {
        scheduler.clearTimer(late);
        resolve();
      };
    });
    this.#emptied = () => {};
  }

  #refusal({ key, mayLeave, networks, shutNetworks }: ReachingRequest): string | undefined {
    if (!areAsked(shutNetworks)) {
      throw new ProtocolError(
        `A request names at most ${limits.networkGatewayAsked} networks that it is not to go into, each of them once, with names of 1 to 64 characters.`,
      );
    }
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
    return undefined;
  }

  /** Asks the other networks in turn, but for those that the request is not to go into. */
  async #find(request: ReachingRequest, passing: Passing): Promise<Lent> {
    const { withinMs, networks, shutNetworks } = request;
    const { scheduler } = this.#options.own.runtime;
    const beganMs = scheduler.now();
    const others = this.#options.others
      .filter(({ name }) => !networks.includes(name))
      .map((other) => ({ other, idle: summed(other.pools).idle }))
      .sort((one, another) => another.idle - one.idle)
      .map(({ other }) => other);
    const shut = new Set(shutNetworks);
    const asked = new Set<string>();
    const why: string[] = [];
    for (const other of others) {
      if (shut.has(other.name)) continue;
      if (shut.size >= limits.networkGatewayAsked) {
        why.push(`gateways have asked in ${shut.size} networks`);
        break;
      }
      const passedMs = scheduler.now() - beganMs;
      const within = withinMs === undefined ? undefined : Math.max(0, withinMs - passedMs);
      const found = await this.#seek(other, { request, passing, within, passedMs, shut });
      if ('container' in found) return this.#lend(other, found, passing);
      if (passing.over.signal.aborted) return { refused: 'the request was withdrawn' };
      why.push(`network "${other.name}": ${found.why}`);
      for (const network of found.asked) {
        shut.add(network);
        asked.add(network);
      }
    }
    const nowhere =
      others.length === 0
        ? 'it leads only to networks that the request has come through'
        : 'it leads only to networks that the request is not to go into';
    return {
      refused: why.length === 0 ? nowhere : why.join(', '),
      askedNetworks: [...asked].slice(0, limits.networkGatewayAsked),
    };
  }

  /** A container of a network, or why that has none: not more than how many were asked, since callers do not see the processes of another network. */
  async #seek(
    other: GatewayNetwork,
    given: {
      readonly request: ReachingRequest;
      readonly passing: Passing;
      readonly within: number | undefined;
      readonly passedMs: number;
      readonly shut: ReadonlySet<string>;
    },
  ): Promise<Lease | { readonly why: string; readonly asked: readonly string[] }> {
    const { request, passing, within, passedMs, shut } = given;
    const { waitedMs, timeoutMs, leaseMs, networks } = request;
    const leftMs = timeoutMs - passedMs;
    if (leftMs <= 0) return { why: 'it was not asked by the deadline', asked: [] };
    try {
      const found = await other.acquirer.seek({
        what: this.#options.service.typeName,
        only: 'any',
        within,
        waitedMs: waitedMs + passedMs,
        deadlineMs: other.runtime.scheduler.now() + leftMs,
        isStream: leaseMs === Number.POSITIVE_INFINITY,
        signal: passing.over.signal,
        through: [...networks, this.network],
        shut: [...shut],
        avoids: (pool) => other.avoids(pool),
      });
      if ('container' in found) return found;
      const { size } = found.refusals;
      const why = size === 0 ? 'no process serves it' : `none of ${size} pools has one in time`;
      return { why, asked: [other.name, ...found.asked] };
    } catch (caught) {
      const error = errorOf(caught);
      if (!(error instanceof AskAbortedError)) {
        other.log.debug('a network was not asked for a container', {
          network: other.name,
          error: namedMessageOf(error),
        });
      }
      return { why: `it could not be asked (${error.name})`, asked: [] };
    }
  }

  #lend(other: GatewayNetwork, lease: Lease, passing: Passing): Lent {
    const tools = this.#tools;
    if (tools === undefined || passing.over.signal.aborted) {
      lease.release(false);
      return { refused: 'the request was withdrawn' };
    }
    const { service } = this.#options;
    const { untilMs } = passing;
    try {
      const container = other.runtime[systemKey].reference(service, lease.container);
      const forwarder = new Forwarder(service, { network: other.name, container, untilMs, log: other.log });
      const ref = tools.spawn(forwarder.behavior);
      passing.lent = { lease, forwarder, ref };
      return { container: { ref } };
    } catch (error) {
      lease.release(false);
      throw error;
    }
  }

  #end(passing: Passing): void {
    // A caller may have released it, and used its number again.
    if (this.#passing.get(passing.key) !== passing) return;
    this.#passing.delete(passing.key);
    const { budget, own } = this.#options;
    budget.giveBack();
    passing.over.abort();
    if (passing.lent !== undefined) {
      const { lease, forwarder, ref } = passing.lent;
      forwarder.end();
      lease.release(forwarder.hasAnswered);
      this.#tools?.stop(ref).catch((error: unknown) => {
        own.log.debug('a forwarder has ended before', { error: namedMessageOf(error) });
      });
    }
    if (this.#passing.size === 0) this.#emptied();
  }

  #load(): v1.PoolLoadInit {
    const { own, service } = this.#options;
    const { reached } = this;
    return {
      pool: own.pool?.toRef().cUid ?? 0n,
      component: service.typeName,
      node: own.runtime.node,
      process: own.runtime.name,
      ...summed(reached),
      gateway: v1.GatewayLoad.create({
        network: own.name,
        version: this.#version,
        reached: reached.map((way) => v1.ReachedNetwork.create(way)),
      }),
    };
  }
}
