import { CapacityError, Refusal } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { membershipCUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { encodedSize, v1 } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { type ActorRef, type ActorSystem, behavior, later } from '../kernel/index.js';
import type { Router } from '../transport/index.js';
import { faultInDescription, faultInIds, faultInNews, faultInStates, faultInUse, MOST_DESCRIPTIONS } from './faults.js';
import {
  answerMs,
  apply,
  type Applied,
  descriptionsOf,
  type Effect,
  initialNetwork,
  isAlive,
  type Member,
  type NetworkEvent,
  type NetworkState,
  tableOf,
} from './state/index.js';
import { Waiters } from './waiters.js';

export interface NetworkMemberOptions {
  readonly system: ActorSystem;
  readonly router: Router;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** This process. */
  readonly description: v1.MemberDescription;
  /** Addresses at which others may be found, in the order in which they are tried. */
  readonly seeds: readonly string[];
  readonly probeMs: number;
  readonly bytesPerSecond: number;
  /** Called with each member that is new, has another status or description, or was forgotten; then `member` is undefined. */
  readonly changed: (id: bigint, member: Member | undefined) => void;
  /** A seed has not answered when this process joined. */
  readonly unanswered: (seed: string, error: unknown) => void;
}

type Peer = ActorRef<typeof v1.NetworkMember>;

/** Ticks in the time between two probes. */
const TICKS = 10;
/** Time between two warnings about what peers have sent, in ms. */
const WARN_MS = 1_000;
/** Exchanges that a process which joins makes with one member, until it knows all. */
const JOIN_ROUNDS = 64;

/** This process as a member of a network: carries out what the state machine decides, over the links of a partition. */
export class NetworkMember {
  readonly #options: NetworkMemberOptions;
  #state: NetworkState;
  #actor: Peer | undefined;
  #timer: Timer | undefined;
  #isOver = false;
  #warnedMs = Number.NEGATIVE_INFINITY;
  readonly #waiters: Waiters;

  constructor(options: NetworkMemberOptions) {
    this.#options = options;
    const { scheduler, description, seeds, probeMs, bytesPerSecond } = options;
    this.#waiters = new Waiters(scheduler);
    const random = scheduler.fork('network')();
    const nowMs = scheduler.now();
    this.#state = initialNetwork({ description, seeds, probeMs, bytesPerSecond, nowMs, random });
  }

  get state(): NetworkState {
    return this.#state;
  }

  /**
   * Becomes visible: from now on this process answers, and others are told of it. Resolves when it knows what one member knows, or when
   * none has answered in time: to whether one has. It looks for the seeds again and again then.
   */
  async join(): Promise<boolean> {
    const { system, scheduler, unanswered } = this.#options;
    this.#actor = system.spawn(this.#behavior(), { name: 'network-member', cUid: membershipCUid });
    this.#nextTick();
    const deadlineMs = scheduler.now() + limits.connectTimeoutMs;
    let waiting = this.#state.seeds.length;
    let hasJoined = false;
    for (const seed of this.#state.seeds) {
      const joined = this.#joinBy(seed, deadlineMs, () => hasJoined).catch((error: unknown) => unanswered(seed, error));
      void joined.then((isJoined) => {
        waiting -= 1;
        hasJoined ||= isJoined === true;
        this.#waiters.progressed();
      });
    }
    await this.#until(() => hasJoined || waiting === 0, deadlineMs);
    return hasJoined;
  }

  /** Says that this process leaves. Resolves when that was handed to the links. Idempotent. */
  async leave(): Promise<void> {
    if (this.#isOver) return;
    if (this.#actor !== undefined) this.#apply({ case: 'leaving' });
    this.abandon();
    if (this.#actor !== undefined) await this.#options.system.stop(this.#actor);
  }

  /** Ends without a word. */
  abandon(): void {
    this.#isOver = true;
    this.#waiters.progressed();
    if (this.#timer !== undefined) this.#options.scheduler.clearTimer(this.#timer);
  }

  /** Throws CapacityError for more names than a member may offer, or longer ones. */
  offer(names: readonly v1.MemberName[], partitions: readonly v1.MemberPartition[]): void {
    if (this.#isOver) return;
    const fault = faultInDescription({ ...this.#state.self.description, names, partitions });
    if (fault !== undefined) {
      throw new CapacityError(
        `This process cannot offer that to its network: ${fault}. Register fewer or shorter names.`,
      );
    }
    this.#apply({ case: 'offered', names, partitions });
  }

  limit(bytesPerSecond: number): void {
    this.#apply({ case: 'limited', bytesPerSecond });
  }

  // ---- the state machine

  #apply(event: NetworkEvent): Applied {
    const done = apply(this.#state, event, this.#options.scheduler.now());
    this.#state = done.state;
    for (const effect of done.effects) this.#perform(effect);
    this.#waiters.progressed();
    return done;
  }

  #nextTick(): void {
    const { scheduler, probeMs } = this.#options;
    this.#timer = scheduler.setTimer(probeMs / TICKS, () => {
      this.#nextTick();
      this.#apply({ case: 'tick' });
    });
  }

  #perform(effect: Effect): void {
    switch (effect.case) {
      case 'probe':
        return this.#inBackground(this.#probe(effect));
      case 'probeFor':
        return this.#inBackground(this.#probeFor(effect));
      case 'spread':
        return this.#spread(effect.address, effect.news);
      case 'exchange':
        return this.#inBackground(this.#exchange(effect.address));
      case 'describe':
        return this.#inBackground(this.#describe(effect.address, effect.ids));
      case 'changed':
        for (const id of effect.ids)
          this.#refuses(faultInUse(() => this.#options.changed(id, this.#state.members.get(id))));
    }
  }

  /** What fails here is repeated when it is due again, or another member is asked. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#isOver)
        this.#options.log.debug('a member of the network has not answered', { error: namedMessageOf(error) });
    });
  }

  // ---- as the one who asks

  #peer(address: string): Peer {
    const { system, router } = this.#options;
    return system.referenceTo(v1.NetworkMember, router.routeTo(address, membershipCUid, v1.NetworkMember.typeName));
  }

  /** Time in ms for an answer that still counts. */
  get #answerMs(): number {
    return 2 * answerMs(this.#options.probeMs, this.#state.health);
  }

  async #probe({ probe, address, news }: Effect & { readonly case: 'probe' }): Promise<void> {
    try {
      const answer = await this.#peer(address).probe({ news }, { timeoutMs: this.#answerMs });
      if (this.#isOver || this.#refuses(faultInNews(answer))) return;
      if (probe === 0) return void this.#apply({ case: 'found', address, news: answer });
      this.#apply({ case: 'probed', probe, helper: false, result: 'answered' });
      this.#apply({ case: 'heard', news: answer, answers: false });
    } catch (error) {
      if (!this.#isOver && probe !== 0) this.#apply({ case: 'probed', probe, helper: false, result: 'failed' });
      throw error;
    }
  }

  async #probeFor({ probe, address, target, news }: Effect & { readonly case: 'probeFor' }): Promise<void> {
    const result = await this.#peer(address).probeFor({ news, target }, { timeoutMs: this.#answerMs });
    if (this.#isOver || this.#refuses(faultInNews(result.news)) || result.news === undefined) return;
    this.#apply({ case: 'probed', probe, helper: true, result: result.hasAnswered ? 'answered' : 'silent' });
    this.#apply({ case: 'heard', news: result.news, answers: false });
  }

  #spread(address: string, news: v1.MemberNews): void {
    try {
      this.#peer(address).spread(news);
    } catch (error) {
      this.#options.log.debug('a member of the network was not told news', { error: namedMessageOf(error) });
    }
  }

  /** Resolves to the answer; undefined where that is this process itself. */
  async #exchange(address: string): Promise<v1.MemberTable | undefined> {
    const peer = this.#peer(address);
    const from = this.#state.self.description.id;
    const own = { from, states: tableOf(this.#state), self: this.#state.self.description };
    const answer = await peer.exchange(own, { timeoutMs: limits.connectTimeoutMs });
    if (this.#isOver || answer.from === from || this.#refuses(faultInStates(answer.from, answer.states)))
      return undefined;
    const self = this.#state.members.has(answer.from) ? undefined : await this.#introduction(peer, answer.from);
    if (this.#isOver) return undefined;
    this.#apply({ case: 'exchanged', table: { ...answer, self }, answers: false });
    return answer;
  }

  async #introduction(peer: Peer, id: bigint): Promise<v1.MemberDescription | undefined> {
    const from = this.#state.self.description.id;
    const { members } = await peer.describeMembers({ from, ids: [id] }, { timeoutMs: limits.connectTimeoutMs });
    const found = members.find((member) => member.id === id);
    return found === undefined || this.#refuses(faultInDescription(found)) ? undefined : found;
  }

  /** An answer has what fits into one message: the rest is asked for again, as long as something comes. */
  async #describe(address: string, ids: readonly bigint[]): Promise<void> {
    const from = this.#state.self.description.id;
    const timeoutMs = limits.connectTimeoutMs;
    for (let left = ids; left.length > 0; ) {
      const some = left.slice(0, MOST_DESCRIPTIONS);
      const answer = await this.#peer(address).describeMembers({ from, ids: some }, { timeoutMs });
      if (this.#isOver) return;
      const came = new Set(answer.members.map(({ id }) => id));
      const members = answer.members.filter(
        (member) => some.includes(member.id) && !this.#refuses(faultInDescription(member)),
      );
      this.#apply({ case: 'described', members });
      const isEmpty = !some.some((id) => came.has(id));
      left = isEmpty ? left.slice(some.length) : left.filter((id) => !came.has(id));
    }
  }

  /** Exchanges tables with the process at an address until this one knows all that it knows, or has joined otherwise. */
  async #joinBy(address: string, deadlineMs: number, hasJoined: () => boolean): Promise<boolean> {
    for (let round = 0; round < JOIN_ROUNDS && !this.#isOver && !hasJoined(); round++) {
      const answer = await this.#exchange(address);
      if (answer === undefined) return false;
      const isKnown = ({ id, status }: v1.MemberState): boolean =>
        !isAlive({ status }) || id === this.#state.self.description.id || this.#state.members.has(id);
      const knowsAll = (): boolean => answer.states.every(isKnown);
      await this.#until(() => hasJoined() || this.#state.wanted.size === 0 || knowsAll(), deadlineMs);
      if (knowsAll() || this.#options.scheduler.now() >= deadlineMs) return true;
    }
    return false;
  }

  /** Resolves when the condition holds, at the deadline, and when this process leaves. */
  #until(isTrue: () => boolean, deadlineMs: number): Promise<void> {
    return this.#waiters.until(() => this.#isOver || isTrue(), deadlineMs);
  }

  // ---- as the one who is asked

  #behavior() {
    return behavior(v1.NetworkMember, {
      supervision: 'resume',
      probe: (_state, { news }) => this.#heard(news),
      probeFor: (_state, { news, target }) => this.#relay(news, target),
      spread: (_state, news) => {
        if (!this.#refuses(faultInNews(news))) this.#apply({ case: 'heard', news, answers: false });
      },
      exchange: (_state, table) => this.#exchanged(table),
      describeMembers: (_state, { ids }) => this.#descriptions(ids),
    });
  }

  #heard(news: v1.MemberNews | undefined): v1.MemberNews {
    this.#assert(faultInNews(news));
    return this.#apply({ case: 'heard', news: v1.MemberNews.create(news), answers: true }).answer;
  }

  #relay(news: v1.MemberNews | undefined, target: bigint) {
    const answer = this.#heard(news);
    const member = this.#state.members.get(target);
    if (member === undefined) return { news: answer, hasAnswered: false };
    return later(this.#answers(target, member).then((hasAnswered) => ({ news: answer, hasAnswered })));
  }

  async #answers(target: bigint, { description: { address } }: Member): Promise<boolean> {
    const asked = v1.MemberNews.create({ from: target });
    const { answer: news } = this.#apply({ case: 'heard', news: asked, answers: true });
    try {
      const timeoutMs = answerMs(this.#options.probeMs, 0) / 2;
      const answer = await this.#peer(address).probe({ news }, { timeoutMs });
      if (this.#isOver || this.#refuses(faultInNews(answer))) return false;
      this.#apply({ case: 'heard', news: answer, answers: false });
      return answer.from === target;
    } catch {
      // That is what the one who asks wants to know.
      return false;
    }
  }

  #exchanged(table: v1.MemberTable): v1.MemberTableInit {
    this.#assert(faultInStates(table.from, table.states));
    if (table.self !== undefined) this.#assert(faultInDescription(table.self));
    const introduced = table.self?.id ?? table.from;
    this.#assert(introduced === table.from ? undefined : 'it introduces another member than its sender');
    const { table: states, isRefused } = this.#apply({ case: 'exchanged', table, answers: true });
    const full = `The network has ${limits.networkMembers} members already, which is all that one may have.`;
    if (isRefused) throw new Refusal('NO_ROOM', full);
    return { from: this.#state.self.description.id, states };
  }

  #descriptions(ids: readonly bigint[]): v1.MemberDescriptionsInit {
    this.#assert(faultInIds(ids));
    const members = descriptionsOf(this.#state, ids);
    this.#apply({ case: 'sent', bytes: encodedSize(v1.MemberDescriptions, { members }) });
    return { members };
  }

  #assert(fault: string | undefined): void {
    if (this.#refuses(fault)) throw new Refusal('MALFORMED', `The message was refused: ${fault}.`);
  }

  #refuses(fault: string | undefined): boolean {
    if (fault === undefined) return false;
    this.#state = { ...this.#state, counts: { ...this.#state.counts, refused: this.#state.counts.refused + 1 } };
    const { scheduler, log } = this.#options;
    if (scheduler.now() - this.#warnedMs >= WARN_MS) {
      this.#warnedMs = scheduler.now();
      log.warn('a message of a member of the network was refused', { fault });
    }
    return true;
  }
}
