import {
  applyToRow,
  type PeerIncarnation,
  newRow,
  rowGivenTo,
  type ObjectRow,
  type RowEffect,
  type RowEvent,
} from './object-row.js';

/** What happens at the owner of objects. */
export type LedgerEvent =
  /** A peer can get objects. */
  | { readonly kind: 'joined'; readonly peer: PeerIncarnation }
  /** A peer is proven to have ended. Its silence is no proof. */
  | { readonly kind: 'ended'; readonly peer: PeerIncarnation }
  /** The owner has made an object. Numbers of objects grow and are never used again. */
  | { readonly kind: 'register'; readonly object: number }
  | { readonly kind: 'send'; readonly object: number; readonly to: PeerIncarnation }
  /** The owner has made an object, sends it to a peer, and does not use it any more: as `register`, `send` and `drop`. */
  | { readonly kind: 'give'; readonly object: number; readonly to: PeerIncarnation }
  | { readonly kind: 'drop'; readonly object: number }
  /** A batch of what a peer has given back: for each object, how many times in all. */
  | { readonly kind: 'release'; readonly by: PeerIncarnation; readonly totals: ReadonlyMap<number, number> }
  | {
      readonly kind: 'claim';
      readonly object: number;
      readonly by: PeerIncarnation;
      readonly from: PeerIncarnation;
      readonly total: number;
    }
  /** A peer has answered how many of the first `sent` sends of an object came. The others never will. */
  | {
      readonly kind: 'settled';
      readonly object: number;
      readonly by: PeerIncarnation;
      readonly sent: number;
      readonly received: number;
    }
  /** The owner ends: all objects are freed. */
  | { readonly kind: 'closed' };

/** What is to be done. */
export type LedgerEffect =
  /** Nobody holds the object: its memory is free. These peers had it, and may forget it. */
  | { readonly kind: 'free'; readonly object: number; readonly peers: readonly PeerIncarnation[] }
  /** `refused`: the object is gone, or its peer is; who wants it gets UnreachableError. */
  | (Exclude<RowEffect, { readonly kind: 'free' }> & { readonly object: number });

/**
 * Who holds each object of one owner: a table with a row for each object and a column for each peer. It does nothing by itself: `apply` changes the
 * table, and gives what is to be done. It has no time, no chance and no memory of what is gone, so what is late is known by its absence.
 */
export class Ledger {
  readonly #rows = new Map<number, ObjectRow>();
  /** Objects that each live peer may hold. */
  readonly #peers = new Map<PeerIncarnation, Set<number>>();
  #newest = 0;

  get objects(): number {
    return this.#rows.size;
  }

  /** The row of an object that somebody holds. */
  row(object: number): ObjectRow | undefined {
    return this.#rows.get(object);
  }

  /** Objects that a peer may hold. */
  objectsOf(peer: PeerIncarnation): readonly number[] {
    return [...(this.#peers.get(peer) ?? [])];
  }

  /** Throws RangeError for an object that is registered with a number which is not new. */
  apply(event: LedgerEvent): readonly LedgerEffect[] {
    switch (event.kind) {
      case 'joined':
        if (!this.#peers.has(event.peer)) this.#peers.set(event.peer, new Set());
        return [];
      case 'ended':
        return this.#ended(event.peer);
      case 'register':
        return this.#register(event.object);
      case 'send':
        return this.#send(event.object, event.to);
      case 'give':
        return this.#give(event.object, event.to);
      case 'drop':
        return this.#row(event.object, { kind: 'drop' });
      case 'release':
        return this.#release(event.by, event.totals);
      case 'claim':
        return this.#claim(event);
      case 'settled':
        return this.#peers.has(event.by) ? this.#row(event.object, event) : [];
      case 'closed':
        return this.#closed();
    }
  }

  #register(object: number): readonly LedgerEffect[] {
    if (!(object > this.#newest)) throw new RangeError(`Object ${object} is not new: the newest is ${this.#newest}.`);
    this.#newest = object;
    this.#rows.set(object, newRow);
    return [];
  }

  #send(object: number, to: PeerIncarnation): readonly LedgerEffect[] {
    const objects = this.#peers.get(to);
    if (objects === undefined || !this.#rows.has(object)) return [{ kind: 'refused', to, object }];
    objects.add(object);
    return this.#row(object, { kind: 'send', to });
  }

  #give(object: number, to: PeerIncarnation): readonly LedgerEffect[] {
    this.#register(object);
    const objects = this.#peers.get(to);
    if (objects === undefined) return [...this.#send(object, to), ...this.#row(object, { kind: 'drop' })];
    objects.add(object);
    this.#rows.set(object, rowGivenTo(to));
    return [];
  }

  #claim({ object, by, from, total }: Extract<LedgerEvent, { kind: 'claim' }>): readonly LedgerEffect[] {
    const objects = this.#peers.get(by);
    if (objects === undefined) return [];
    if (object > this.#newest) return [unknown(by, object)];
    if (!this.#rows.has(object)) return [{ kind: 'refused', to: by, object }];
    const effects = this.#row(object, { kind: 'claim', by, from, total });
    if (effects.some(({ kind }) => kind === 'claimed')) objects.add(object);
    return effects;
  }

  #release(by: PeerIncarnation, totals: ReadonlyMap<number, number>): readonly LedgerEffect[] {
    // What comes after the end of a peer is late.
    if (!this.#peers.has(by)) return [];
    return [...totals].flatMap(([object, total]) =>
      object > this.#newest ? [unknown(by, object)] : this.#row(object, { kind: 'release', by, total }),
    );
  }

  #ended(peer: PeerIncarnation): readonly LedgerEffect[] {
    const objects = this.objectsOf(peer);
    this.#peers.delete(peer);
    return objects.flatMap((object) => this.#row(object, { kind: 'ended', peer }));
  }

  #closed(): readonly LedgerEffect[] {
    const rows = [...this.#rows];
    this.#rows.clear();
    this.#peers.clear();
    return rows.map(([object, row]) => freeEffect(object, row));
  }

  /** An event for an object that is gone is late, and changes nothing. */
  #row(object: number, event: RowEvent): readonly LedgerEffect[] {
    const before = this.#rows.get(object);
    if (before === undefined) return [];
    const { row, effects } = applyToRow(before, event);
    this.#rows.set(object, row);
    if (effects.some(({ kind }) => kind === 'free')) this.#forget(object, row);
    return effects.map((effect) => (effect.kind === 'free' ? freeEffect(object, row) : { ...effect, object }));
  }

  #forget(object: number, { columns }: ObjectRow): void {
    this.#rows.delete(object);
    for (const peer of columns.keys()) this.#peers.get(peer)?.delete(object);
  }
}

function freeEffect(object: number, { columns }: ObjectRow): LedgerEffect {
  return { kind: 'free', object, peers: [...columns.keys()] };
}

function unknown(by: PeerIncarnation, object: number): LedgerEffect {
  return { kind: 'violation', by, object, reason: `it named object ${object}, which does not exist` };
}
