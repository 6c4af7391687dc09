import { limits } from '../../../limits.js';
import { encodedSize, v1 } from '../../../protocol/index.js';
import {
  type Counts,
  type Member,
  type NetworkState,
  ownState,
  stateOf,
  Status,
  type Wanted,
} from './network-state.js';
import { NEWS_OF_MESSAGE, sendsOf } from './timing.js';

/** What is to be done after an event. `address`: of the receiver. */
export type Effect =
  | { readonly case: 'probe'; readonly probe: number; readonly address: string; readonly news: v1.MemberNews }
  | {
      readonly case: 'probeFor';
      readonly probe: number;
      readonly address: string;
      readonly target: bigint;
      readonly news: v1.MemberNews;
    }
  | { readonly case: 'spread'; readonly address: string; readonly news: v1.MemberNews }
  | { readonly case: 'exchange'; readonly address: string }
  | { readonly case: 'describe'; readonly address: string; readonly ids: readonly bigint[] }
  /** These members are new, have another status or another description, or were forgotten. */
  | { readonly case: 'changed'; readonly ids: readonly bigint[] };

/** Bytes of a message besides its content: envelope, method, and its share of a frame. Measured over sockets. */
export const ENVELOPE_BYTES = 48;
/** Seconds for which a budget that was not used is kept, and for which one may be overdrawn. */
const KEPT_SECONDS = 2;
/** Bytes of one id in a request for descriptions. */
const ID_BYTES = 9;
/** Requests for the description of a member, of which each waits twice as long as the one before. After that somebody must tell of it again. */
const ATTEMPTS = 5;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The next state, while an event is applied. */
export class Draft {
  readonly nowMs: number;
  readonly effects: Effect[] = [];
  readonly #state: Writable<NetworkState>;
  readonly #changed = new Set<bigint>();
  /** What is wanted is asked for, whatever the budget. */
  #asksAll = false;

  constructor(state: NetworkState, nowMs: number) {
    this.#state = { ...state };
    this.nowMs = nowMs;
    const { perSecond, bytes, atMs } = state.budget;
    const earned = bytes + (perSecond * Math.max(0, nowMs - atMs)) / 1_000;
    this.#state.budget = { perSecond, bytes: Math.min(earned, perSecond * KEPT_SECONDS), atMs: nowMs };
  }

  get state(): Readonly<NetworkState> {
    return this.#state;
  }

  get selfId(): bigint {
    return this.#state.self.description.id;
  }

  set(change: Partial<NetworkState>): void {
    Object.assign(this.#state, change);
  }

  count(name: keyof Counts, by = 1): void {
    const { counts } = this.#state;
    this.#state.counts = { ...counts, [name]: counts[name] + by };
  }

  /** A number in [0, 1): xorshift. */
  random(): number {
    let value = this.#state.random;
    value ^= value << 13;
    value ^= value >>> 17;
    value ^= value << 5;
    this.#state.random = value >>> 0;
    return this.#state.random / 2 ** 32;
  }

  // ---- members

  put(id: bigint, member: Member): void {
    const known = this.#state.members.get(id);
    this.#state.members = this.#state.members.with(id, member);
    this.#state.alive += Number(isAlive(member)) - Number(known !== undefined && isAlive(known));
    const isSuspect = member.status === Status.SUSPECT;
    this.#state.suspects = isSuspect ? this.#state.suspects.with(id, true) : this.#state.suspects.without(id);
    if (known === undefined) this.#insert(id);
    if (known?.status !== member.status || known.description !== member.description) this.#changed.add(id);
  }

  /** A new member is probed at a random place of the order: otherwise all would probe the same one at a time. */
  #insert(id: bigint): void {
    const { order, place } = this.#state;
    const at = Math.floor(this.random() * (order.length + 1));
    this.#state.order = order.toSpliced(at, 0, id);
    this.#state.place = at < place ? place + 1 : place;
  }

  forget(id: bigint): void {
    const known = this.#state.members.get(id);
    if (known === undefined) return;
    this.#state.members = this.#state.members.without(id);
    this.#state.alive -= Number(isAlive(known));
    this.#state.suspects = this.#state.suspects.without(id);
    this.#state.news = this.#state.news.without(id);
    this.#changed.add(id);
  }

  /** A member that is alive or suspect, other than these; undefined where none was found in a few attempts. */
  anyMember(...others: readonly bigint[]): readonly [bigint, Member] | undefined {
    const { order, members } = this.#state;
    for (let attempt = 0; attempt < 8 && order.length > 0; attempt++) {
      const id = order[Math.floor(this.random() * order.length)];
      const member = id === undefined ? undefined : members.get(id);
      if (id !== undefined && member !== undefined && isAlive(member) && !others.includes(id)) return [id, member];
    }
    return undefined;
  }

  // ---- news

  /** This is to be told to others. */
  tell(id: bigint): void {
    this.#state.news = this.#state.news.with(id, 0);
  }

  /** The news for one message: what was told least often. The receiver, if it is not alive for this member, is told so first. */
  newsFor(to: bigint | undefined, most: number = NEWS_OF_MESSAGE): v1.MemberNews {
    const { news, members } = this.#state;
    const known = to === undefined ? undefined : members.get(to);
    const first = to !== undefined && known !== undefined && known.status !== Status.ALIVE ? [stateOf(to, known)] : [];
    const limit = sendsOf(this.#state.alive);
    const chosen = [...news]
      .filter(([id]) => id !== to)
      .sort(([, one], [, other]) => one - other)
      .slice(0, most);
    for (const [id, sends] of chosen) {
      this.#state.news = sends + 1 >= limit ? this.#state.news.without(id) : this.#state.news.with(id, sends + 1);
    }
    const told = chosen.flatMap(([id]) => {
      if (id === this.selfId) return [ownState(this.#state)];
      const member = members.get(id);
      return member === undefined ? [] : [stateOf(id, member)];
    });
    return { from: this.selfId, news: [...first, ...told] };
  }

  // ---- the budget

  /** There are bytes left for descriptions and tables: they are put off first. */
  get mayDetail(): boolean {
    return this.#state.budget.bytes > 0;
  }

  /** There are bytes left for messages that only spread news: they are put off next. Probes are never. */
  get maySpread(): boolean {
    return this.#state.budget.bytes > -this.#state.budget.perSecond;
  }

  /** `bytes`: of the content of a message that is sent. `envelope`: 0 for more content of one that has been paid for. */
  spend(bytes: number, envelope: number = ENVELOPE_BYTES): void {
    const { budget } = this.#state;
    const left = Math.max(budget.bytes - bytes - envelope, -KEPT_SECONDS * budget.perSecond);
    this.#state.budget = { ...budget, bytes: left };
    this.count('sentBytes', bytes + envelope);
  }

  spendNews(news: v1.MemberNews): v1.MemberNews {
    this.spend(encodedSize(v1.MemberNews, news));
    return news;
  }

  // ---- descriptions

  /** Asks the teller for the description of a member. */
  want(state: v1.MemberState, teller: bigint): void {
    const { wanted } = this.#state;
    const known = wanted.get(state.id);
    const isNewer = known === undefined || state.version > known.state.version;
    if (!isNewer && known.againMs > this.nowMs) return;
    if (known === undefined && wanted.size >= limits.networkWanted) return this.count('putOff');
    this.#state.wanted = wanted.with(state.id, { state, teller, attempts: 0, againMs: this.nowMs });
  }

  /** All that is wanted is asked for at the end of this event: it was told in answer to a question of this member, which learns all with that. */
  askAll(): void {
    this.#asksAll = true;
  }

  got(id: bigint): Wanted | undefined {
    const wanted = this.#state.wanted.get(id);
    this.#state.wanted = this.#state.wanted.without(id);
    return wanted;
  }

  /** Returns the effects of the event: asks for what is wanted, and says what has changed. */
  finish(): readonly Effect[] {
    if (this.#state.wanted.size > 0) this.#ask();
    if (this.#changed.size > 0) this.effects.push({ case: 'changed', ids: [...this.#changed] });
    return this.effects;
  }

  /** An id leaves `wanted` here only after all its requests were sent, or where there is nobody to ask: one that is put off stays. */
  #ask(): void {
    const asked = new Map<string, bigint[]>();
    for (const [id, wanted] of this.#state.wanted) {
      if (wanted.againMs > this.nowMs) continue;
      const address = wanted.attempts < ATTEMPTS ? this.#whoKnows(id, wanted.teller) : undefined;
      if (address === undefined) {
        this.#state.wanted = this.#state.wanted.without(id);
        continue;
      }
      if (!this.#asksAll && !this.mayDetail) {
        this.count('putOff');
        break;
      }
      const againMs = this.nowMs + this.#state.probeMs * 2 ** wanted.attempts;
      this.#state.wanted = this.#state.wanted.with(id, { ...wanted, attempts: wanted.attempts + 1, againMs });
      const ids = asked.get(address) ?? [];
      this.spend(ID_BYTES, ids.length === 0 ? ENVELOPE_BYTES : 0);
      asked.set(address, ids);
      ids.push(id);
    }
    for (const [address, ids] of asked) this.effects.push({ case: 'describe', address, ids });
  }

  /** The address of the member that has told of another one; where it is not alive any more, that of any member. */
  #whoKnows(id: bigint, tellerId: bigint): string | undefined {
    const teller = this.#state.members.get(tellerId);
    const known = teller !== undefined && isAlive(teller) ? teller : this.anyMember(id)?.[1];
    return known?.description.address;
  }
}

export function isAlive({ status }: Pick<Member, 'status'>): boolean {
  return status === Status.ALIVE || status === Status.SUSPECT;
}
