import { limits } from '../../../limits.js';
import { type Draft, isAlive } from './draft.js';
import { type Member, placesTaken, type Probe, Status } from './network-state.js';
import { addVotes, enter, neededVotes, votersOn } from './news.js';
import { placesOf } from './places.js';
import * as timing from './timing.js';

/** A probe, or one through a helper, has an answer, or none. `failed`: nothing could be sent. */
export type ProbeResult = 'answered' | 'silent' | 'failed';

/** Begins the next probe: all members in a random order, then all again in another one. */
export function beginProbe(draft: Draft): void {
  const { probeMs, health, next, probe } = draft.state;
  if (probe !== undefined || draft.nowMs < next.probeMs) return;
  draft.set({ next: { ...next, probeMs: draft.nowMs + timing.roundMs(probeMs, health) } });
  const target = nextTarget(draft);
  if (target === undefined) return;
  const [id, { description }] = target;
  const number = draft.state.probes + 1;
  const untilMs = draft.nowMs + timing.answerMs(probeMs, health);
  const endsMs = draft.nowMs + timing.roundMs(probeMs, health);
  draft.set({ probes: number, probe: { number, target: id, untilMs, endsMs, silentHelpers: undefined } });
  const news = draft.spendNews(draft.newsFor(id));
  draft.effects.push({ case: 'probe', probe: number, address: description.address, news });
}

function nextTarget(draft: Draft): readonly [bigint, Member] | undefined {
  for (let round = 0; round < 2; round++) {
    const { order, members } = draft.state;
    for (let place = draft.state.place; place < order.length; place++) {
      const id = order[place];
      const member = id === undefined ? undefined : members.get(id);
      if (id === undefined || member === undefined || !isAlive(member)) continue;
      draft.set({ place: place + 1 });
      return [id, member];
    }
    shuffle(draft);
  }
  return undefined;
}

function shuffle(draft: Draft): void {
  const order = [...draft.state.members].flatMap(([id, member]) => (isAlive(member) ? [id] : []));
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(draft.random() * (last + 1));
    const [one, two] = [order[last], order[other]];
    if (one !== undefined && two !== undefined) [order[last], order[other]] = [two, one];
  }
  draft.set({ order, place: 0 });
}

/** The probe under way has got this far. */
export function onProbeResult(draft: Draft, number: number, isHelper: boolean, result: ProbeResult): void {
  const { probe, health } = draft.state;
  if (probe?.number !== number) return;
  if (result === 'answered') {
    draft.set({ probe: undefined, health: Math.max(0, health - 1) });
  } else if (isHelper) {
    // A helper that answers that it got no answer shows that this member is well.
    if (result === 'silent') draft.set({ probe: { ...probe, silentHelpers: (probe.silentHelpers ?? 1) - 1 } });
  } else {
    askHelpers(draft, probe);
  }
}

/** What is due of the probe under way. */
export function continueProbe(draft: Draft): void {
  const { probe } = draft.state;
  if (probe === undefined) return;
  if (draft.nowMs >= probe.endsMs) endProbe(draft, probe);
  else if (draft.nowMs >= probe.untilMs) askHelpers(draft, probe);
}

function askHelpers(draft: Draft, probe: Probe): void {
  if (probe.silentHelpers !== undefined) return;
  const chosen: bigint[] = [];
  for (let helper = 0; helper < timing.HELPERS; helper++) {
    const found = draft.anyMember(probe.target, ...chosen);
    if (found === undefined) break;
    const [id, { description }] = found;
    chosen.push(id);
    const news = draft.spendNews(draft.newsFor(id, 1));
    draft.effects.push({
      case: 'probeFor',
      probe: probe.number,
      address: description.address,
      target: probe.target,
      news,
    });
  }
  draft.set({ probe: { ...probe, silentHelpers: chosen.length } });
}

function endProbe(draft: Draft, { target, silentHelpers = 0 }: Probe): void {
  draft.set({ probe: undefined });
  if (silentHelpers > 0) draft.set({ health: Math.min(timing.WORST_HEALTH, draft.state.health + 1) });
  const member = draft.state.members.get(target);
  if (member === undefined) return;
  if (member.status === Status.ALIVE) {
    draft.count('suspicions');
    enter(draft, target, { ...member, votes: [draft.selfId] }, Status.SUSPECT);
  } else {
    addVotes(draft, target, member, [draft.selfId]);
  }
}

/** Declares those dead that were suspect for long enough, and by enough. */
export function endSuspicions(draft: Draft): void {
  const { probeMs, alive } = draft.state;
  for (const id of draft.state.suspects.keys()) {
    const member = draft.state.members.get(id);
    if (member === undefined || member.votes.length < neededVotes(draft, id)) continue;
    const patienceMs = timing.suspicionMs(probeMs, alive + 1, member.votes.length, votersOn(draft, id));
    if (draft.nowMs - member.sinceMs >= patienceMs) enter(draft, id, member, Status.DEAD);
  }
}

/** This process stood still, or its event loop did: what it did not hear meanwhile means nothing. */
export function stoodStill(draft: Draft, gapMs: number): void {
  const { probe, suspects, health } = draft.state;
  draft.set({ health: Math.min(timing.WORST_HEALTH, health + 1) });
  if (probe !== undefined) {
    draft.set({ probe: { ...probe, untilMs: probe.untilMs + gapMs, endsMs: probe.endsMs + gapMs } });
  }
  for (const id of suspects.keys()) {
    const member = draft.state.members.get(id);
    if (member !== undefined) draft.put(id, { ...member, sinceMs: member.sinceMs + gapMs });
  }
}

/** Forgets members that are dead or have left for so long that nobody tells of them any more. Where another one lives in the place of a dead one, that is soon. */
export function forgetOld(draft: Draft): void {
  const taken = placesTaken(draft.state);
  for (const [id, { status, sinceMs, description }] of draft.state.members) {
    if (status < Status.DEAD) continue;
    const hasEnded = status === Status.LEFT || placesOf(description.address).every((place) => taken.has(place));
    if (draft.nowMs - sinceMs > (hasEnded ? limits.networkLeftMs : limits.networkDeadMs)) draft.forget(id);
  }
}
