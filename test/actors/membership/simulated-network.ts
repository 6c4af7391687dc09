import {
  answerMs,
  apply,
  type Applied,
  descriptionsOf,
  type Effect,
  ENVELOPE_BYTES,
  initialNetwork,
  type NetworkEvent,
  type NetworkState,
  Status,
  tableOf,
} from '#src/actors/membership/state/index.js';
import { encodedSize, type MessageType, v1 } from '#src/protocol/index.js';
import { VirtualTimers } from './virtual-timers.js';

/** Time between two ticks, in ms. */
const TICK_MS = 100;

export interface SimulatedOptions {
  readonly members: number;
  readonly seed: number;
  /** Chance of each message to be lost, requests and answers alike. */
  readonly loss?: number;
  readonly bytesPerSecond?: number;
  /** The members know each other from the start. Otherwise each joins by the first one. */
  readonly areAcquainted?: boolean;
}

interface Node {
  state: NetworkState;
  isUp: boolean;
  isPaused: boolean;
  /** What it has sent, as encoded. */
  bytes: number;
}

/** Members as the pure state machine, on a network that loses messages and can be cut. All times are virtual, and follow from the seed. */
export class SimulatedNetwork {
  readonly nodes: Node[];
  /** Whether messages get from one member to another. */
  passes: (from: number, to: number) => boolean = () => true;
  /** Members that others took for dead while they were up: at which one, and of which one. */
  readonly mistakes: { readonly at: number; readonly of: number }[] = [];
  readonly #options: SimulatedOptions;
  readonly #timers = new VirtualTimers();
  #random: number;

  constructor(options: SimulatedOptions) {
    this.#options = options;
    this.#random = options.seed * 2_654_435_761 || 1;
    this.nodes = Array.from({ length: options.members }, (_, index) => ({
      state: this.#initial(index),
      isUp: true,
      isPaused: false,
      bytes: 0,
    }));
    if (options.areAcquainted === true) this.#acquaint();
    this.nodes.forEach((_node, index) => this.#tick(index, this.random() * TICK_MS));
  }

  get nowMs(): number {
    return this.#timers.nowMs;
  }

  random(): number {
    let value = this.#random;
    value ^= value << 13;
    value ^= value >>> 17;
    value ^= value << 5;
    this.#random = value >>> 0 || 1;
    return this.#random / 2 ** 32;
  }

  id(index: number): bigint {
    return BigInt(index + 1);
  }

  /** Member `index` learns the others from that at `seed`, and is known to it. */
  join(index: number, seed: number): void {
    this.#perform(index, { case: 'exchange', address: addressOf(seed) });
  }

  /** Another process starts in place of one that has ended. */
  crash(index: number): void {
    this.#node(index).isUp = false;
  }

  pause(index: number): void {
    this.#node(index).isPaused = true;
  }

  /** The process goes on, and so do its ticks. */
  resume(index: number): void {
    this.#node(index).isPaused = false;
    this.#tick(index, 0);
  }

  event(index: number, event: NetworkEvent): Applied {
    const node = this.#node(index);
    const done = apply(node.state, event, this.nowMs);
    node.state = done.state;
    for (const effect of done.effects) this.#perform(index, effect);
    return done;
  }

  pass(ms: number): void {
    this.#timers.pass(ms);
  }

  /** Time that passes until the condition holds; `mostMs` where it does not. */
  until(isTrue: () => boolean, mostMs: number, stepMs = 100): number {
    const beganMs = this.nowMs;
    while (!isTrue() && this.nowMs - beganMs < mostMs) this.pass(stepMs);
    return this.nowMs - beganMs;
  }

  /** What one member knows of the status of another one. */
  status(of: number, at: number): Status | undefined {
    return this.#node(at).state.members.get(this.id(of))?.status;
  }

  /** Every member that is up, other than this one, satisfies the condition. */
  everyOther(index: number, isTrue: (state: NetworkState, index: number) => boolean): boolean {
    return this.nodes.every(({ isUp, state }, at) => at === index || !isUp || isTrue(state, at));
  }

  /** Every member that is up holds exactly those that are up for alive. */
  get agrees(): boolean {
    const up = this.nodes.filter(({ isUp }) => isUp).length;
    return this.nodes.every(({ isUp, state }, at) => {
      if (!isUp) return true;
      const alive = [...state.members].filter(([, { status }]) => status === Status.ALIVE);
      return alive.length === up - 1 && alive.every(([id]) => this.#node(Number(id) - 1).isUp && id !== this.id(at));
    });
  }

  /** Bytes that one member sends in a second: the mean, and the most of all members. */
  bytesPerSecond(ms: number): { readonly mean: number; readonly most: number } {
    const before = this.nodes.map(({ bytes }) => bytes);
    this.pass(ms);
    const rates = this.nodes.map(({ bytes }, index) => ((bytes - (before[index] ?? 0)) * 1_000) / ms);
    return { mean: rates.reduce((sum, rate) => sum + rate, 0) / rates.length, most: Math.max(...rates) };
  }

  /** Bytes that all members have sent. */
  get totalBytes(): number {
    return this.nodes.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get falseDeaths(): number {
    return this.mistakes.length;
  }

  total(name: keyof NetworkState['counts']): number {
    return this.nodes.reduce((sum, { state }) => sum + state.counts[name], 0);
  }

  #node(index: number): Node {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`there is no member ${index}`);
    return node;
  }

  #initial(index: number): NetworkState {
    const { bytesPerSecond = 600 } = this.#options;
    return initialNetwork({
      description: describe(this.id(index), index),
      seeds: [addressOf(0)],
      probeMs: 1_000,
      bytesPerSecond,
      nowMs: 0,
      random: this.random(),
    });
  }

  /** Everybody hears of everybody, and nobody spreads that as news. */
  #acquaint(): void {
    const table = this.nodes.map(({ state }) => ({ state: tableOf(state)[0], self: state.self.description }));
    for (const node of this.nodes) {
      for (const { state, self } of table) {
        const own = v1.MemberTable.create({ from: self.id, states: state === undefined ? [] : [state], self });
        node.state = apply(node.state, { case: 'exchanged', table: own, answers: false }, 0).state;
      }
      let { news } = node.state;
      for (const id of node.state.news.keys()) news = news.without(id);
      node.state = { ...node.state, news };
    }
  }

  #tick(index: number, afterMs: number): void {
    this.#timers.after(afterMs, () => {
      const { isUp, isPaused } = this.#node(index);
      if (!isUp || isPaused) return;
      this.event(index, { case: 'tick' });
      this.#tick(index, TICK_MS);
    });
  }

  #perform(from: number, effect: Effect): void {
    switch (effect.case) {
      case 'probe':
        return this.#probe(from, effect.probe, effect.address, effect.news);
      case 'probeFor':
        return this.#probeFor(from, effect);
      case 'spread':
        return this.#send(from, effect.address, v1.MemberNews, effect.news, (to) => {
          this.event(to, { case: 'heard', news: effect.news, answers: false });
        });
      case 'exchange':
        return this.#exchange(from, effect.address);
      case 'describe':
        return this.#describe(from, effect.address, effect.ids);
      case 'changed':
        return this.#count(from, effect.ids);
    }
  }

  #count(at: number, ids: readonly bigint[]): void {
    for (const id of ids) {
      const member = this.#node(at).state.members.get(id);
      const of = Number(id) - 1;
      if (member?.status === Status.DEAD && this.#node(of).isUp) this.mistakes.push({ at, of });
    }
  }

  #probe(from: number, probe: number, address: string, news: v1.MemberNews): void {
    this.#send(from, address, v1.MemberProbe, { news }, (to) => {
      const { answer } = this.event(to, { case: 'heard', news, answers: true });
      this.#send(to, addressOf(from), v1.MemberNews, answer, () => {
        if (probe === 0) return this.event(from, { case: 'found', address, news: answer });
        this.event(from, { case: 'probed', probe, helper: false, result: 'answered' });
        return this.event(from, { case: 'heard', news: answer, answers: false });
      });
    });
  }

  #probeFor(from: number, { probe, address, target, news }: Effect & { readonly case: 'probeFor' }): void {
    this.#send(from, address, v1.MemberProbeFor, { news, target }, (helper) => {
      const { answer } = this.event(helper, { case: 'heard', news, answers: true });
      const { state } = this.#node(helper);
      let hasAnswered = false;
      const tell = (): void =>
        this.#send(helper, addressOf(from), v1.MemberProbeResult, { news: answer, hasAnswered }, () => {
          this.event(from, { case: 'probed', probe, helper: true, result: hasAnswered ? 'answered' : 'silent' });
          this.event(from, { case: 'heard', news: answer, answers: false });
        });
      const member = state.members.get(target);
      if (member === undefined) return;
      const asked = this.event(helper, {
        case: 'heard',
        news: v1.MemberNews.create({ from: target }),
        answers: true,
      }).answer;
      this.#send(helper, member.description.address, v1.MemberProbe, { news: asked }, (to) => {
        const told = this.event(to, { case: 'heard', news: asked, answers: true }).answer;
        this.#send(to, addressOf(helper), v1.MemberNews, told, () => {
          if (hasAnswered) return;
          hasAnswered = true;
          this.event(helper, { case: 'heard', news: told, answers: false });
          tell();
        });
      });
      this.#timers.after(answerMs(1_000, state.health) / 2, () => {
        if (!hasAnswered) tell();
      });
    });
  }

  #exchange(from: number, address: string): void {
    const { state } = this.#node(from);
    const table = v1.MemberTable.create({ from: this.id(from), states: tableOf(state), self: state.self.description });
    this.#send(from, address, v1.MemberTable, table, (to) => {
      const { table: states } = this.event(to, { case: 'exchanged', table, answers: true });
      const answer = v1.MemberTable.create({ from: this.id(to), states });
      // The first answer that a member gets is from a stranger: that describes itself first, as the actor asks for it.
      const { description } = this.#node(to).state.self;
      this.#send(to, addressOf(from), v1.MemberTable, answer, () => {
        this.event(from, { case: 'exchanged', table: { ...answer, self: description }, answers: false });
      });
    });
  }

  #describe(from: number, address: string, ids: readonly bigint[]): void {
    this.#send(from, address, v1.MembersToDescribe, { from: this.id(from), ids }, (to) => {
      const { state } = this.#node(to);
      const members = descriptionsOf(state, ids);
      const answer = { members };
      this.event(to, { case: 'sent', bytes: encodedSize(v1.MemberDescriptions, answer) });
      this.#send(to, addressOf(from), v1.MemberDescriptions, answer, () => {
        this.event(from, { case: 'described', members });
      });
    });
  }

  /** Sends one message, whose bytes count for the sender. What is sent to a member that is paused arrives when it goes on. */
  #send<Read, Init>(
    from: number,
    address: string,
    type: MessageType<Read, Init>,
    message: Init | Read,
    arrived: (to: number) => void,
  ): void {
    const to = Number(address.slice(1));
    this.#node(from).bytes += encodedSize(type, message) + ENVELOPE_BYTES;
    const { loss = 0 } = this.#options;
    if (this.random() < loss || !this.passes(from, to)) return;
    const arrive = (): void => {
      const { isUp, isPaused } = this.#node(to);
      if (!isUp) return;
      if (isPaused) this.#timers.after(TICK_MS, arrive);
      else arrived(to);
    };
    this.#timers.after(1 + 9 * this.random(), arrive);
  }
}

export function addressOf(index: number): string {
  return `@${index}`;
}

/** With an address and names as long as those of real processes. */
export function describe(id: bigint, index: number): v1.MemberDescription {
  return v1.MemberDescription.create({
    id,
    version: 1,
    node: `node-${index}`,
    process: 'process-0',
    address: addressOf(index),
    partitions: [{ ordinal: index, address: `tcp://10.0.${index >> 8}.${index & 255}:7000#0123456789abcdef` }],
  });
}
