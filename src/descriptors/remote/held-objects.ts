import { Deferred } from '../../deferred.js';
import { UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import {
  applyToHolding,
  type Holding,
  type HoldingEvent,
  isClaimed,
  isLate,
  isReadable,
  newHolding,
  type PeerIncarnation,
} from '../ledger/index.js';
import { AnnouncedArenas } from '../reading/index.js';
import type { ControlBatch, SendControl } from './batch.js';
import { peerId } from './peer-id.js';

export interface HeldObjectsOptions {
  readonly self: PeerIncarnation;
  readonly send: SendControl;
  readonly batch: ControlBatch;
}

const REFUSED = 'it was freed when the partition that forwarded it ended';

interface Held {
  holding: Holding;
  /** What waits until the owner knows that the object is held here. */
  waiting: Deferred<void> | undefined;
}

interface Owner {
  readonly arenas: AnnouncedArenas;
  readonly objects: Map<number, Held>;
  /** Objects that are not held, and of which sends may still come late: how many sends the owner has given up. The oldest first. */
  readonly late: Map<number, number>;
}

/** The objects of other partitions that are held here, and the arenas that they lie in. */
export class HeldObjects {
  readonly #options: HeldObjectsOptions;
  readonly #owners = new Map<PeerIncarnation, Owner>();

  constructor(options: HeldObjectsOptions) {
    this.#options = options;
  }

  /** Objects that are held here, or whose totals are kept until their owner frees them. */
  get size(): number {
    let size = 0;
    for (const { objects } of this.#owners.values()) size += objects.size;
    return size;
  }

  joined(peer: PeerIncarnation): void {
    if (this.#owners.has(peer)) return;
    this.#owners.set(peer, { arenas: new AnnouncedArenas(`Partition ${peer}`), objects: new Map(), late: new Map() });
  }

  /** What is read here stays until it is disposed. What is not read yet is lost. */
  ended(peer: PeerIncarnation): void {
    const owner = this.#owners.get(peer);
    this.#owners.delete(peer);
    owner?.arenas.close();
    for (const [number, held] of owner?.objects ?? []) this.#lose(held, peer, number, 'its owner has ended');
    for (const [other, { objects }] of this.#owners) {
      for (const number of objects.keys()) this.apply(other, number, { kind: 'ended', peer });
    }
  }

  close(): void {
    for (const owner of this.#owners.keys()) this.ended(owner);
  }

  /** Throws UnreachableError if the owner has ended. */
  arenasOf(owner: PeerIncarnation): AnnouncedArenas {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known.arenas;
    throw new UnreachableError(`Partition ${owner}, which owns a value, has ended: the value cannot be read any more.`);
  }

  /**
   * An object has come, of an owner that is there. `send` is its number where it came from the owner itself. Throws UnreachableError for a send that
   * the owner has given up: its memory may be used for other values by now.
   */
  arrived(owner: PeerIncarnation, number: number, send: number, from: PeerIncarnation): void {
    const isOfOwner = from === owner;
    if (isOfOwner && this.#isLate(owner, number, send)) throw gone(owner, number, 'it came after its owner gave it up');
    const objects = this.#owners.get(owner)?.objects;
    if (objects?.has(number) === false) objects.set(number, { holding: newHolding, waiting: undefined });
    this.apply(owner, number, { kind: 'arrived', from: isOfOwner ? undefined : from });
  }

  /** The owner asks how many of its first `sent` sends came. The others are refused from now on. */
  settle(owner: PeerIncarnation, number: number, sent: number): number {
    const known = this.#owners.get(owner);
    const held = known?.objects.get(number);
    if (known === undefined) return 0;
    if (held === undefined) {
      markLate(known, number, sent);
      return 0;
    }
    this.apply(owner, number, { kind: 'settle', sent });
    return held.holding.received;
  }

  /** Hands an object on to a peer. Throws UnreachableError if the peer is not there: it would never claim the object. */
  forward(owner: PeerIncarnation, number: number, to: PeerIncarnation): void {
    if (!this.#owners.has(to)) throw new UnreachableError(`Partition ${to} has ended: no value can be sent to it.`);
    this.apply(owner, number, { kind: 'forward', to });
  }

  /** Resolves when the object may be read. Rejects with UnreachableError when it is gone. */
  async readable(owner: PeerIncarnation, number: number): Promise<void> {
    const held = this.#owners.get(owner)?.objects.get(number);
    if (held === undefined) throw gone(owner, number, 'it is gone, or its owner has ended');
    if (isReadable(held.holding)) return;
    if (!isClaimed(held.holding)) throw gone(owner, number, REFUSED);
    held.waiting ??= new Deferred();
    await held.waiting.promise;
  }

  /** An event for an object that is not held here is late, and changes nothing. */
  apply(owner: PeerIncarnation, number: number, event: HoldingEvent): void {
    const held = this.#owners.get(owner)?.objects.get(number);
    if (held === undefined) return;
    const { holding, effects } = applyToHolding(held.holding, event);
    held.holding = holding;
    for (const effect of effects) {
      if (effect.kind === 'release') this.#options.batch.release(owner, number, effect.total);
      else this.#claim(owner, number, effect.from, effect.total);
    }
    if (isReadable(holding)) settle(held, (waiting) => waiting.resolve());
  }

  /** The owner has refused to charge what came from a peer. */
  refused(owner: PeerIncarnation, number: number): void {
    const objects = this.#owners.get(owner)?.objects;
    const held = objects?.get(number);
    if (held === undefined) return;
    this.apply(owner, number, { kind: 'refused' });
    if (!isReadable(held.holding)) this.#lose(held, owner, number, REFUSED);
    const { received, released, settled } = held.holding;
    // No totals that the owner could ask for again.
    if (received === 0 && released === 0 && settled === 0 && !isReadable(held.holding)) objects?.delete(number);
  }

  /** The owner has given arenas back. */
  withdraw(owner: PeerIncarnation, arenas: readonly number[]): void {
    for (const arena of arenas) this.#owners.get(owner)?.arenas.withdraw(arena);
  }

  /** The owner has freed objects, which were given back: their totals are not needed any more. */
  freed(owner: PeerIncarnation, numbers: readonly number[]): void {
    const known = this.#owners.get(owner);
    for (const number of numbers) {
      const held = known?.objects.get(number);
      if (known === undefined || held === undefined || isReadable(held.holding)) continue;
      known.objects.delete(number);
      const { settled, received } = held.holding;
      if (settled > received) markLate(known, number, settled);
      this.#lose(held, owner, number, 'it was freed');
    }
  }

  #isLate(owner: PeerIncarnation, number: number, send: number): boolean {
    const known = this.#owners.get(owner);
    if (send <= (known?.late.get(number) ?? 0)) return true;
    return isLate(known?.objects.get(number)?.holding ?? newHolding, send);
  }

  #claim(owner: PeerIncarnation, number: number, from: PeerIncarnation, total: number): void {
    const object: v1.RemoteObjectInit = { owner: peerId(owner), number };
    const value = { object, by: peerId(this.#options.self), from: peerId(from), total };
    this.#options.send(owner, { message: { case: 'claim', value } });
  }

  #lose(held: Held, owner: PeerIncarnation, number: number, why: string): void {
    settle(held, (waiting) => waiting.reject(gone(owner, number, why)));
  }
}

/** Remembers a bounded number: what comes so late was read from a link that ended long ago. */
function markLate({ late }: Owner, number: number, settled: number): void {
  late.set(number, settled);
  const [oldest] = late.keys();
  if (late.size > limits.lateObjects && oldest !== undefined) late.delete(oldest);
}

function settle(held: Held, how: (waiting: Deferred<void>) => void): void {
  const { waiting } = held;
  held.waiting = undefined;
  if (waiting !== undefined) how(waiting);
}

function gone(owner: PeerIncarnation, number: number, why: string): UnreachableError {
  return new UnreachableError(`Object ${number} of partition ${owner} cannot be read: ${why}.`);
}
