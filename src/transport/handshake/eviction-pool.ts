import type { RandomStream } from '../../scheduler/index.js';

/** Members that are compared before one of them is evicted. */
const SAMPLE = 8;

/** A connection that waits, and where it comes from. */
export interface PoolMember {
  /** The host at the other end. Empty for Unix sockets, which have no address. */
  readonly from: string;
}

/**
 * Connections of which the pool holds a bounded number. When there are more, one has to go: of a few that chance chooses, the one whose
 * host has the most. So a host that floods pushes out its own connections, and a flood from many hosts, or from the same one, meets every
 * connection with the same small chance. Each operation takes constant time.
 */
export class EvictionPool<Member extends PoolMember> {
  readonly #capacity: number;
  readonly #random: RandomStream;
  readonly #members: Member[] = [];
  readonly #places = new Map<Member, number>();
  readonly #hosts = new Map<string, number>();

  constructor(capacity: number, random: RandomStream) {
    this.#capacity = capacity;
    this.#random = random;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Returns the member that has to go, which was removed; undefined while there is room. Never the one that was added. */
  add(member: Member): Member | undefined {
    const evicted = this.size >= this.#capacity ? this.#fullest() : undefined;
    if (evicted !== undefined) this.remove(evicted);
    this.#places.set(member, this.#members.push(member) - 1);
    this.#hosts.set(member.from, (this.#hosts.get(member.from) ?? 0) + 1);
    return evicted;
  }

  /** Returns false if it is not here. */
  remove(member: Member): boolean {
    const place = this.#places.get(member);
    if (place === undefined) return false;
    this.#places.delete(member);
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[place] = last;
      this.#places.set(last, place);
    }
    const left = (this.#hosts.get(member.from) ?? 0) - 1;
    if (left > 0) this.#hosts.set(member.from, left);
    else this.#hosts.delete(member.from);
    return true;
  }

  #fullest(): Member | undefined {
    let fullest: Member | undefined;
    for (let drawn = 0; drawn < SAMPLE; drawn += 1) {
      const member = this.#members[Math.floor(this.#random() * this.size)];
      if (member === undefined) continue;
      if (fullest === undefined || this.#count(member) > this.#count(fullest)) fullest = member;
    }
    return fullest;
  }

  #count({ from }: Member): number {
    return this.#hosts.get(from) ?? 0;
  }
}
