import { BackpressureError, ConfigError, ProtocolError } from '../../../errors.js';
import { ownerOrdinal } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { PersistentMap } from '../../../persistent-map.js';
import { type Ref, v1 } from '../../../protocol/index.js';

interface Holder {
  readonly ref: Ref;
  readonly pUid: bigint;
  /** Among those of the same name: the lowest has it, the next ones follow. */
  readonly place: number;
  /** Of the actor, for errors; empty where it is not known. */
  readonly path: string;
}

export interface NameClaim {
  /** Waits for a name that another actor has. Default false. */
  readonly isStandby?: boolean;
  /** The place that the actor had under an earlier control plane. A standby with one does not get the name before `settle`: its holder may follow. */
  readonly regained?: number | undefined;
  /** Path of the actor, for the errors of others. */
  readonly path?: string;
}

/** No actor has a higher one: each control plane counts on from those that it hears. */
const HIGHEST_PLACE = 2 ** 31;

export interface NamesState {
  readonly holders: PersistentMap<string, Holder>;
  /** Those that wait for a name that another has, the first of which gets it next. */
  readonly standbys: PersistentMap<string, readonly Holder[]>;
  readonly byProcess: PersistentMap<bigint, PersistentMap<string, true>>;
}

export const NO_NAMES: NamesState = {
  holders: PersistentMap.empty(),
  standbys: PersistentMap.empty(),
  byProcess: PersistentMap.empty(),
};

/**
 * Registered names of actors; one actor holds a name at a time, and others may stand by for it, in the order in which they came. A process may
 * register a bounded number.
 */
export class Names {
  #holders: NamesState['holders'];
  #standbys: NamesState['standbys'];
  #byProcess: NamesState['byProcess'];
  readonly #changed = new Set<string>();
  readonly #shownProcess: (pUid: bigint) => string;

  /** `shownProcess` names a process in errors. */
  constructor({ holders, standbys, byProcess }: NamesState, shownProcess: (pUid: bigint) => string) {
    this.#shownProcess = shownProcess;
    this.#holders = holders;
    this.#standbys = standbys;
    this.#byProcess = byProcess;
  }

  get state(): NamesState {
    return { holders: this.#holders, standbys: this.#standbys, byProcess: this.#byProcess };
  }

  /**
   * Returns the place of the actor. Throws ConfigError, which says who has the name, when another actor has the name and this one does not stand by; BackpressureError when the
   * process has `processNames`, or as many stand by as `nameStandbys`; ProtocolError for a name that is too long.
   */
  register(pUid: bigint, name: string, ref: Ref, { isStandby = false, regained, path = '' }: NameClaim = {}): number {
    assertNameLength(name);
    assertPathLength(path);
    assertPlace(regained);
    const holder = this.#holders.get(name);
    const isTaken = holder !== undefined && !isSame(holder.ref, ref);
    if (isTaken && !isStandby) {
      throw new ConfigError(
        `The name "${name}" is taken by ${shownActor(holder)}, in ${this.#shownProcess(holder.pUid)}. ` +
          `Register this one of ${ref.service} under another name, or as a standby.`,
      );
    }
    this.#assertRoom(pUid, name);
    const place = this.#placeOf(name, ref) ?? regained ?? this.#nextPlace(name);
    const waits = isTaken || (holder === undefined && isStandby && regained !== undefined);
    if (waits) this.#standBy(name, { ref, pUid, place, path });
    else this.#hold(name, { ref, pUid, place, path });
    return place;
  }

  /** All holders under an earlier control plane had time to announce themselves: the first standby of each name without one gets it. */
  settle(): void {
    for (const [name, waiting] of this.#standbys) {
      if (!this.#holders.has(name)) this.#promote(name, waiting);
    }
  }

  /** Does nothing for an actor that neither has the name nor stands by for it. */
  unregister(pUid: bigint, name: string, cUid: bigint): void {
    this.#remove(name, (holder) => holder.pUid === pUid && holder.ref.cUid === cUid);
  }

  /** An actor has the name or stands by for it. */
  has(name: string): boolean {
    return this.#holders.has(name) || this.#standbys.has(name);
  }

  lookup(name: string): Ref | undefined {
    return this.#holders.get(name)?.ref;
  }

  /** Removes the names of a process that has ended. */
  retire(pUid: bigint): void {
    for (const name of this.#namesOf(pUid).keys()) this.#remove(name, (holder) => holder.pUid === pUid);
  }

  /** Removes the names of actors of a partition of a process, which has ended. */
  retirePartition(pUid: bigint, ordinal: number): void {
    for (const name of this.#namesOf(pUid).keys()) {
      this.#remove(name, (holder) => holder.pUid === pUid && ownerOrdinal(holder.ref.cUid) === ordinal);
    }
  }

  list(): v1.NameEntry[] {
    return [...this.#holders].map(([name, { ref }]) => v1.NameEntry.create({ name, ref }));
  }

  /** The names that have another holder than at first, or none. */
  get changed(): readonly string[] {
    return [...this.#changed];
  }

  #assertRoom(pUid: bigint, name: string): void {
    const own = this.#namesOf(pUid);
    if (own.size < limits.processNames || own.has(name)) return;
    throw new BackpressureError(`Process ${pUid} has registered ${own.size} names already (limit processNames).`);
  }

  #hold(name: string, holder: Holder): void {
    const before = this.#holders.get(name);
    this.#holders = this.#holders.with(name, holder);
    if (before !== undefined && before.pUid !== holder.pUid) this.#forget(name, before.pUid);
    this.#remember(name, holder.pUid);
    this.#changed.add(name);
  }

  #standBy(name: string, standby: Holder): void {
    const waiting = this.#standbys.get(name) ?? [];
    if (waiting.some(({ ref }) => isSame(ref, standby.ref))) return;
    if (waiting.length >= limits.nameStandbys) {
      throw new BackpressureError(`${waiting.length} actors stand by for the name "${name}" (limit nameStandbys).`);
    }
    const inOrder = [...waiting, standby].sort((one, other) => one.place - other.place);
    this.#standbys = this.#standbys.with(name, inOrder);
    this.#remember(name, standby.pUid);
  }

  /** Those that are meant neither have the name nor stand by for it any more; the next one has it then. */
  #remove(name: string, isMeant: (holder: Holder) => boolean): void {
    const waiting = this.#standbys.get(name) ?? [];
    const left = waiting.filter((standby) => !isMeant(standby));
    const holder = this.#holders.get(name);
    const gone = waiting.filter(isMeant);
    if (holder !== undefined && isMeant(holder)) {
      gone.push(holder);
      this.#holders = this.#holders.without(name);
      this.#promote(name, left);
    } else this.#wait(name, left);
    for (const { pUid } of gone) this.#forget(name, pUid);
  }

  /** The first of those that wait has the name, of which there is no holder. */
  #promote(name: string, [next, ...left]: readonly Holder[]): void {
    if (next !== undefined) this.#holders = this.#holders.with(name, next);
    this.#wait(name, left);
    this.#changed.add(name);
  }

  #wait(name: string, waiting: readonly Holder[]): void {
    this.#standbys = waiting.length > 0 ? this.#standbys.with(name, waiting) : this.#standbys.without(name);
  }

  #placeOf(name: string, ref: Ref): number | undefined {
    return this.#all(name).find((each) => isSame(each.ref, ref))?.place;
  }

  #nextPlace(name: string): number {
    return 1 + Math.max(0, ...this.#all(name).map(({ place }) => place));
  }

  #all(name: string): readonly Holder[] {
    const holder = this.#holders.get(name);
    const waiting = this.#standbys.get(name) ?? [];
    return holder === undefined ? waiting : [holder, ...waiting];
  }

  #remember(name: string, pUid: bigint): void {
    this.#byProcess = this.#byProcess.with(pUid, this.#namesOf(pUid).with(name, true));
  }

  /** The process may have another actor that has the name or stands by for it. */
  #forget(name: string, pUid: bigint): void {
    if (this.#all(name).some((other) => other.pUid === pUid)) return;
    const left = this.#namesOf(pUid).without(name);
    this.#byProcess = left.size === 0 ? this.#byProcess.without(pUid) : this.#byProcess.with(pUid, left);
  }

  #namesOf(pUid: bigint): PersistentMap<string, true> {
    return this.#byProcess.get(pUid) ?? PersistentMap.empty();
  }
}

/** Throws ProtocolError for a name that is longer than `nameCharacters`. */
export function assertNameLength(name: string): void {
  if (name.length > limits.nameCharacters) {
    throw new ProtocolError(`A name of ${name.length} characters is too long: the limit is ${limits.nameCharacters}.`);
  }
}

function shownActor({ ref, path }: Holder): string {
  return path === '' ? `another actor of ${ref.service}` : `the actor ${path} of ${ref.service}`;
}

/** Throws ProtocolError. */
function assertPathLength({ length }: string): void {
  if (length <= limits.nameCharacters) return;
  throw new ProtocolError(`The path of an actor has ${length} characters: the limit is ${limits.nameCharacters}.`);
}

/** Throws ProtocolError. */
function assertPlace(place = 0): void {
  if (place < HIGHEST_PLACE) return;
  throw new ProtocolError(`No actor has the place ${place} for a name.`);
}

function isSame(one: Ref, other: Ref): boolean {
  return one.cUid === other.cUid && one.incarnation === other.incarnation;
}
