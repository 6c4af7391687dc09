import { encodedSize, v1 } from '../../../protocol/index.js';
import { Draft, type Effect, isAlive } from './draft.js';
import { differences, type NetworkState, ownState, placesTaken, Status, tableOf } from './network-state.js';
import { described, hear, introduced } from './news.js';
import { placesOf } from './places.js';
import {
  beginProbe,
  continueProbe,
  endSuspicions,
  forgetOld,
  onProbeResult,
  type ProbeResult,
  stoodStill,
} from './probing.js';
import * as timing from './timing.js';

/** Something that a member hears, or that it finds due. `answers`: news are wanted in return. */
export type NetworkEvent =
  | { readonly case: 'tick' }
  | { readonly case: 'heard'; readonly news: v1.MemberNews; readonly answers: boolean }
  /** `helper`: the probe went through another member. */
  | { readonly case: 'probed'; readonly probe: number; readonly helper: boolean; readonly result: ProbeResult }
  /** Whoever listens at an address has answered a look for it. */
  | { readonly case: 'found'; readonly address: string; readonly news: v1.MemberNews }
  | { readonly case: 'exchanged'; readonly table: v1.MemberTable; readonly answers: boolean }
  | { readonly case: 'described'; readonly members: readonly v1.MemberDescription[] }
  /** `bytes`: of descriptions that are sent. */
  | { readonly case: 'sent'; readonly bytes: number }
  /** This process offers something else from now on. */
  | {
      readonly case: 'offered';
      readonly names: readonly v1.MemberName[];
      readonly partitions: readonly v1.MemberPartition[];
    }
  | { readonly case: 'limited'; readonly bytesPerSecond: number }
  | { readonly case: 'leaving' };

export interface Applied {
  readonly state: NetworkState;
  readonly effects: readonly Effect[];
  /** To the sender of the event, where it wants one. */
  readonly answer: v1.MemberNews;
  /** Of an exchange: what this member knows better. */
  readonly table: readonly v1.MemberState[];
  /** Of an exchange: there is no room for the member that introduces itself. */
  readonly isRefused: boolean;
}

/** Members that are told by the one that leaves. */
const TOLD_OF_LEAVING = 5;
/** So many probes without a turn, and this process stood still. */
const STILL_PROBES = 1;

/** The next state of a member of a network. A pure function: time comes with the event, chance is part of the state. */
export function apply(state: NetworkState, event: NetworkEvent, nowMs: number): Applied {
  const draft = new Draft(state, nowMs);
  const done = step(draft, event);
  const effects = draft.finish();
  const nothing = { answer: v1.MemberNews.create({ from: draft.selfId }), table: [], isRefused: false };
  return { ...nothing, ...done, effects, state: draft.state };
}

function step(draft: Draft, event: NetworkEvent): Partial<Applied> | void {
  switch (event.case) {
    case 'tick':
      return tick(draft);
    case 'heard':
      return heard(draft, event);
    case 'probed':
      return onProbeResult(draft, event.probe, event.helper, event.result);
    case 'found':
      return found(draft, event);
    case 'exchanged':
      return exchanged(draft, event);
    case 'described':
      return described(draft, event.members);
    case 'sent':
      return draft.spend(event.bytes);
    case 'offered':
      return offered(draft, event);
    case 'limited':
      return draft.set({ budget: { ...draft.state.budget, perSecond: event.bytesPerSecond } });
    case 'leaving':
      return leave(draft);
  }
}

function tick(draft: Draft): void {
  const { tickMs, probeMs } = draft.state;
  const gapMs = draft.nowMs - tickMs;
  if (gapMs > STILL_PROBES * probeMs) stoodStill(draft, gapMs);
  draft.set({ tickMs: draft.nowMs });
  endSuspicions(draft);
  continueProbe(draft);
  beginProbe(draft);
  spread(draft);
  exchange(draft);
  revive(draft);
}

function heard(draft: Draft, { news, answers }: { readonly news: v1.MemberNews; readonly answers: boolean }) {
  hear(draft, news.from, news.news);
  return answers ? { answer: draft.spendNews(draft.newsFor(news.from)) } : {};
}

function spread(draft: Draft): void {
  const { next, news, probeMs } = draft.state;
  if (draft.nowMs < next.spreadMs) return;
  draft.set({ next: { ...next, spreadMs: draft.nowMs + timing.spreadMs(probeMs) } });
  if (news.size === 0) return;
  if (!draft.maySpread) return draft.count('putOff');
  const to = draft.anyMember();
  if (to === undefined) return;
  const [id, { description }] = to;
  draft.effects.push({ case: 'spread', address: description.address, news: draft.spendNews(draft.newsFor(id)) });
}

function exchange(draft: Draft): void {
  const { next, probeMs, members } = draft.state;
  if (draft.nowMs < next.exchangeMs) return;
  forgetOld(draft);
  const againMs = draft.nowMs + timing.exchangeMs(probeMs, members.size) * (0.75 + draft.random() / 2);
  if (!draft.mayDetail) {
    draft.set({ next: { ...next, exchangeMs: draft.nowMs + probeMs } });
    return draft.count('putOff');
  }
  draft.set({ next: { ...next, exchangeMs: againMs } });
  const other = draft.anyMember();
  if (other !== undefined) exchangeWith(draft, other[1].description.address);
}

function exchangeWith(draft: Draft, address: string): void {
  const [from, states, self] = [draft.selfId, tableOf(draft.state), draft.state.self.description];
  draft.spend(encodedSize(v1.MemberTable, { from, states, self }));
  draft.effects.push({ case: 'exchange', address });
}

/**
 * Looks for members that were declared dead, and for seeds of which no member is known, in turn, each place once: a network that was cut heals without a
 * restart. Whoever listens at the place may answer. A dead member in whose place another one lives has ended, and is not looked for.
 */
function revive(draft: Draft): void {
  const { next, probeMs, members, seeds, looks } = draft.state;
  if (draft.nowMs < next.reviveMs) return;
  draft.set({ next: { ...next, reviveMs: draft.nowMs + timing.reviveMs(probeMs) * (0.75 + draft.random() / 2) } });
  const taken = placesTaken(draft.state);
  const lost = new Map<string, bigint | undefined>();
  for (const [id, { status, description }] of members) {
    const places = placesOf(description.address);
    if (status === Status.DEAD && !places.every((place) => taken.has(place))) lost.set(places.join(' '), id);
  }
  const unmet = new Map<string, bigint | undefined>();
  for (const seed of seeds) if (!placesOf(seed).some((place) => taken.has(place))) unmet.set(seed, lost.get(seed));
  const kinds = [[...unmet], [...lost].filter(([place]) => !unmet.has(place))].filter(({ length }) => length > 0);
  const candidates = kinds[looks % kinds.length] ?? [];
  const chosen = candidates[Math.floor(looks / kinds.length) % candidates.length];
  if (chosen === undefined) return;
  draft.set({ looks: looks + 1 });
  const [address, id] = chosen;
  draft.effects.push({ case: 'probe', probe: 0, address, news: draft.spendNews(draft.newsFor(id, 0)) });
}

/** Both sides of a cut have changed meanwhile: they exchange all that they know. */
function found(draft: Draft, { address, news }: { readonly address: string; readonly news: v1.MemberNews }): void {
  const known = draft.state.members.get(news.from);
  hear(draft, news.from, news.news);
  if (news.from === draft.selfId || (known !== undefined && isAlive(known))) return;
  exchangeWith(draft, address);
}

function exchanged(draft: Draft, { table, answers }: { readonly table: v1.MemberTable; readonly answers: boolean }) {
  const { from, states, self } = table;
  if (from === draft.selfId) return {};
  const own = states.find(({ id }) => id === from);
  const answer = answers ? differences(draft.state, states) : [];
  const isRefused =
    self !== undefined && own !== undefined && own.status === Status.ALIVE && !introduced(draft, self, own);
  if (isRefused) return { isRefused };
  hear(draft, from, states, true);
  if (!answers) draft.askAll();
  if (answers) draft.spend(encodedSize(v1.MemberTable, { from: draft.selfId, states: answer, self: undefined }));
  return { table: answer };
}

function offered(
  draft: Draft,
  {
    names,
    partitions,
  }: { readonly names: readonly v1.MemberName[]; readonly partitions: readonly v1.MemberPartition[] },
): void {
  const { self } = draft.state;
  const version = self.description.version + 1;
  draft.set({ self: { ...self, description: { ...self.description, version, names, partitions } } });
  draft.tell(draft.selfId);
}

/** Tells several others, who tell the rest. Nothing is probed any more. */
function leave(draft: Draft): void {
  const { self } = draft.state;
  draft.set({ self: { ...self, status: Status.LEFT } });
  draft.tell(draft.selfId);
  const told: bigint[] = [];
  for (let each = 0; each < TOLD_OF_LEAVING; each++) {
    const found = draft.anyMember(...told);
    if (found === undefined) break;
    const [id, { description }] = found;
    told.push(id);
    const news = { from: draft.selfId, news: [ownState(draft.state)] };
    draft.effects.push({ case: 'spread', address: description.address, news: draft.spendNews(news) });
  }
}
