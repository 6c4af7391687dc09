import type { Member } from './membership.js';

/** A power of two. With a thousand members, each has 16 of them. */
const BUCKETS = 16_384;

interface Slot {
  member: Member;
  readonly low: number;
  readonly high: number;
}

/**
 * Which member has a key, by rendezvous hashing: a key belongs to one of a fixed number of buckets, and a bucket to the member that has the highest
 * score for it. So when a member goes only its own keys move, and all processes agree. The owners of the buckets are kept, and brought up to
 * date when the members change: a key costs one hash, however many members there are.
 */
export class RendezvousTable {
  readonly #scores = new Uint32Array(BUCKETS);
  /** Number of the slot that owns each bucket. */
  readonly #owners = new Uint32Array(BUCKETS);
  /** Slots of members that have left are used again. */
  readonly #slots: (Slot | undefined)[] = [];
  readonly #slotOf = new Map<bigint, number>();
  #members: readonly Member[] = [];

  /** The member that has `key`; undefined where there are no members. */
  ownerOf(key: string, members: readonly Member[]): Member | undefined {
    if (members !== this.#members) this.#update(members);
    if (members.length === 0) return undefined;
    return this.#slots[this.#owners[hashOf(key) & (BUCKETS - 1)] ?? 0]?.member;
  }

  #update(members: readonly Member[]): void {
    const present = new Set(members.map(({ cUid }) => cUid));
    const left = new Set<number>();
    for (const [cUid, slot] of this.#slotOf) {
      if (present.has(cUid)) continue;
      this.#slotOf.delete(cUid);
      this.#slots[slot] = undefined;
      left.add(slot);
    }
    const isFirst = this.#slotOf.size === 0;
    const joined = members.filter((member) => this.#enter(member));
    if (left.size > 0 && !isFirst) this.#giveAway(left, new Set(joined.map(({ cUid }) => cUid)));
    if (isFirst) this.#owners.fill(NOBODY);
    for (const { cUid } of joined) this.#claim(this.#slotOf.get(cUid) ?? 0);
    this.#members = members;
  }

  /** True for a member that was none before. */
  #enter(member: Member): boolean {
    const known = this.#slotOf.get(member.cUid);
    const slot = known === undefined ? undefined : this.#slots[known];
    if (slot !== undefined) {
      slot.member = member;
      return false;
    }
    const free = this.#slots.indexOf(undefined);
    const index = free < 0 ? this.#slots.length : free;
    const low = Number(BigInt.asUintN(32, member.cUid));
    const high = Number(BigInt.asUintN(32, member.cUid >> 32n));
    this.#slots[index] = { member, low, high };
    this.#slotOf.set(member.cUid, index);
    return true;
  }

  /** The buckets of those that have left go to the others; those that have joined claim theirs afterwards. */
  #giveAway(left: ReadonlySet<number>, joined: ReadonlySet<bigint>): void {
    const others = [...this.#slotOf].flatMap(([cUid, slot]) => (joined.has(cUid) ? [] : [slot]));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (!left.has(this.#owners[bucket] ?? 0)) continue;
      this.#owners[bucket] = NOBODY;
      for (const slot of others) this.#offer(bucket, slot);
    }
  }

  #claim(slot: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#offer(bucket, slot);
  }

  #offer(bucket: number, index: number): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    const score = scoreOf(slot, bucket);
    const owner = this.#owners[bucket] ?? NOBODY;
    const best = this.#scores[bucket] ?? 0;
    if (owner !== NOBODY && (score < best || (score === best && !this.#isBefore(slot, owner)))) return;
    this.#owners[bucket] = index;
    this.#scores[bucket] = score;
  }

  /** Of two with the same score, all processes must choose the same. */
  #isBefore({ member }: Slot, other: number): boolean {
    const owner = this.#slots[other];
    return owner === undefined || member.cUid < owner.member.cUid;
  }
}

const NOBODY = 2 ** 32 - 1;

function scoreOf({ low, high }: Slot, bucket: number): number {
  return mixed(mixed(low ^ Math.imul(bucket + 1, 0x9e3779b1)) ^ high);
}

/** FNV-1a of 32 bits, finished as MurmurHash3: keys that differ in the last character only must be far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3: each bit of the result depends on each bit of `value`. Unsigned. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
