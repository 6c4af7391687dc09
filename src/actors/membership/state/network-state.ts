import { PersistentMap } from '../../../persistent-map.js';
import { encodedSize, v1 } from '../../../protocol/index.js';
import { placesOf } from './places.js';

export const Status = v1.MemberState_Status;
export type Status = v1.MemberState_Status;

/** Another member, as this one knows it. */
export interface Member {
  readonly status: Status;
  readonly incarnation: number;
  /** Those that got no answer from it, while it is suspect or dead. */
  readonly votes: readonly bigint[];
  readonly description: v1.MemberDescription;
  /** When it got this status. */
  readonly sinceMs: number;
}

/** A member of which this one has heard, and whose description it asks for. */
export interface Wanted {
  readonly state: v1.MemberState;
  /** Who has told of it. */
  readonly teller: bigint;
  readonly attempts: number;
  /** From then on it is asked again. */
  readonly againMs: number;
}

/** The probe that is under way. */
export interface Probe {
  readonly number: number;
  readonly target: bigint;
  readonly untilMs: number;
  readonly endsMs: number;
  /** Others were asked to probe it; so many of them have not answered. */
  readonly silentHelpers: number | undefined;
}

/** What has happened since the start, for metrics. */
export interface Counts {
  /** Times that this member got no answer from another one, and suspected it. */
  readonly suspicions: number;
  /** Times that this member was suspected, and has refuted it. */
  readonly refutations: number;
  /** Members that were declared dead here, or of whose death this one was told. */
  readonly deaths: number;
  /** Members that came back after that. */
  readonly revivals: number;
  /** States and members that were absurd, or for which there was no room. */
  readonly refused: number;
  /** Bytes of what was sent: messages with their envelopes. */
  readonly sentBytes: number;
  /** Exchanges, descriptions and news that were put off to stay within the budget. */
  readonly putOff: number;
}

/** Bytes that may still be spent. */
export interface Budget {
  readonly perSecond: number;
  readonly bytes: number;
  readonly atMs: number;
}

export interface NetworkState {
  readonly self: { readonly incarnation: number; readonly status: Status; readonly description: v1.MemberDescription };
  readonly probeMs: number;
  /** Addresses at which a member may be found. */
  readonly seeds: readonly string[];
  readonly members: PersistentMap<bigint, Member>;
  /** Members that are alive, and those that are suspect. */
  readonly alive: number;
  readonly suspects: PersistentMap<bigint, true>;
  /** Members with news, the own one among them, and how often each was told. */
  readonly news: PersistentMap<bigint, number>;
  readonly wanted: PersistentMap<bigint, Wanted>;
  /** The order in which members are probed, and the place in it. */
  readonly order: readonly bigint[];
  readonly place: number;
  readonly probe: Probe | undefined;
  readonly probes: number;
  /** Looks for members that were declared dead, and for seeds. */
  readonly looks: number;
  /** 0: well. Higher: this member is late itself, or hears too little, and so waits longer for others. */
  readonly health: number;
  readonly tickMs: number;
  readonly next: {
    readonly probeMs: number;
    readonly spreadMs: number;
    readonly exchangeMs: number;
    readonly reviveMs: number;
  };
  readonly budget: Budget;
  readonly counts: Counts;
  /** State of the generator of random numbers; never 0. */
  readonly random: number;
}

export interface NetworkOptions {
  readonly description: v1.MemberDescription;
  readonly seeds: readonly string[];
  readonly probeMs: number;
  readonly bytesPerSecond: number;
  readonly nowMs: number;
  /** A number in [0, 1). */
  readonly random: number;
}

/** A member that knows nobody yet. */
export function initialNetwork({
  description,
  seeds,
  probeMs,
  bytesPerSecond,
  nowMs,
  random,
}: NetworkOptions): NetworkState {
  const soon = nowMs + probeMs * random;
  return {
    self: { incarnation: 1, status: Status.ALIVE, description },
    probeMs,
    seeds,
    members: PersistentMap.empty(),
    alive: 0,
    suspects: PersistentMap.empty(),
    news: PersistentMap.empty(),
    wanted: PersistentMap.empty(),
    order: [],
    place: 0,
    probe: undefined,
    probes: 0,
    looks: 0,
    health: 0,
    tickMs: nowMs,
    next: { probeMs: soon, spreadMs: soon, exchangeMs: soon + probeMs * 30, reviveMs: soon + probeMs },
    budget: { perSecond: bytesPerSecond, bytes: bytesPerSecond, atMs: nowMs },
    counts: { suspicions: 0, refutations: 0, deaths: 0, revivals: 0, refused: 0, sentBytes: 0, putOff: 0 },
    random: Math.floor(random * 0xffff_fffe) + 1,
  };
}

/** Places at which this member and others that are alive listen. */
export function placesTaken({ self, members }: NetworkState): ReadonlySet<string> {
  const taken = new Set(placesOf(self.description.address));
  for (const { status, description } of members.values()) {
    if (status < Status.DEAD) for (const place of placesOf(description.address)) taken.add(place);
  }
  return taken;
}

/** What is told of a member. */
export function stateOf(id: bigint, { status, incarnation, votes, description: { version } }: Member): v1.MemberState {
  return { id, status, incarnation, version, suspectedBy: votes };
}

/** What a member tells of itself. */
export function ownState({ self: { status, incarnation, description } }: NetworkState): v1.MemberState {
  return { id: description.id, status, incarnation, version: description.version, suspectedBy: [] };
}

/** All that this member knows, itself first. */
export function tableOf(state: NetworkState): v1.MemberState[] {
  return [ownState(state), ...[...state.members].map(([id, member]) => stateOf(id, member))];
}

/** What this member knows better than the sender of a table, or otherwise: the answer to an exchange. */
export function differences(state: NetworkState, table: readonly v1.MemberState[]): v1.MemberState[] {
  const theirs = new Map(table.map((each) => [each.id, each]));
  return tableOf(state).filter((own) => {
    const other = theirs.get(own.id);
    if (other === undefined) return own.status < Status.DEAD;
    return own.incarnation > other.incarnation || own.status !== other.status || own.version > other.version;
  });
}

/** Bytes of descriptions in one answer; what is missing is asked for again. */
const DESCRIPTIONS_BYTES = 256 * 1024;

/** Of these members, the descriptions that this one has, as far as they fit in one answer. */
export function descriptionsOf({ self, members }: NetworkState, ids: readonly bigint[]): v1.MemberDescription[] {
  const found: v1.MemberDescription[] = [];
  let bytes = 0;
  for (const id of ids) {
    const description = id === self.description.id ? self.description : members.get(id)?.description;
    if (description === undefined || bytes > DESCRIPTIONS_BYTES) continue;
    bytes += encodedSize(v1.MemberDescription, description);
    found.push(description);
  }
  return found;
}
