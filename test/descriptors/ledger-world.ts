import {
  applyToHolding,
  type Holding,
  type HoldingEffect,
  type HoldingEvent,
  isReadable,
  Ledger,
  type LedgerEffect,
  type LedgerEvent,
  newHolding,
} from '#src/descriptors/index.js';

/** A message on its way. Descriptors come once or never. All others come, late and in any order, and all but questions may come twice. */
type Message =
  | {
      readonly kind: 'descriptor';
      readonly from: string;
      readonly to: string;
      readonly object: number;
      /** Its number among those of the sender. */
      readonly send: number;
    }
  | {
      readonly kind: 'settle';
      readonly from: string;
      readonly to: string;
      readonly object: number;
      readonly sent: number;
    }
  | {
      readonly kind: 'settled forward';
      readonly from: string;
      readonly to: string;
      readonly object: number;
      readonly sent: number;
      readonly received: number;
    }
  | { readonly kind: 'to owner'; readonly from: string; readonly to: string; readonly event: LedgerEvent }
  | {
      readonly kind: 'to peer';
      readonly from: string;
      readonly to: string;
      readonly object: number;
      readonly event: HoldingEvent;
    }
  | { readonly kind: 'end of'; readonly from: string; readonly to: string; readonly peer: string };

const OWNER = 'owner';

/**
 * One owner and some peers, with the real state machines and a network that does what it likes. It knows who really uses which object, and throws
 * when an object is freed that somebody uses, or is freed twice.
 */
export class LedgerWorld {
  readonly ledger: Ledger;
  readonly freed = new Set<number>();
  /** Sends that receivers refuse, because they have answered that these did not come. */
  readonly #late = new Map<string, number>();
  /** Times that each has sent an object to each peer. */
  readonly #sends = new Map<string, number>();
  #objects = 0;
  #lives = 0;
  readonly #heldHere = new Set<number>();
  readonly #peers = new Map<string, Map<number, Holding>>();
  /** Objects and peers of which the owner has asked what came of so many sends. They are not sent again before that is answered. */
  readonly #settling = new Map<string, number>();
  #network: Message[] = [];

  constructor(peers: number, ledger = new Ledger()) {
    this.ledger = ledger;
    for (let count = 0; count < peers; count++) this.join();
  }

  get objects(): number {
    return this.#objects;
  }

  get inFlight(): number {
    return this.#network.length;
  }

  join(): void {
    this.#lives += 1;
    const peer = `peer ${this.#lives}`;
    this.#peers.set(peer, new Map());
    this.#owner({ kind: 'joined', peer });
  }

  register(): void {
    this.#objects += 1;
    this.#heldHere.add(this.#objects);
    this.#owner({ kind: 'register', object: this.#objects });
  }

  /** The owner sends an object that it uses. */
  send(which: number, peer: number): void {
    const [object, to] = [pick([...this.#heldHere], which), this.#peer(peer)];
    if (object === undefined || to === undefined) return;
    if (this.#settling.has(keyOf(object, OWNER, to))) return;
    this.#owner({ kind: 'send', object, to });
    const send = this.#nextSend(object, OWNER, to);
    this.#network.push({ kind: 'descriptor', from: OWNER, to, object, send });
  }

  drop(which: number): void {
    const object = pick([...this.#heldHere], which);
    if (object === undefined) return;
    this.#heldHere.delete(object);
    this.#owner({ kind: 'drop', object });
  }

  /** A peer hands on an object that it may read, and keeps its own descriptor. */
  forward(peer: number, which: number, other: number): void {
    const [from, to] = [this.#peer(peer), this.#peer(other)];
    if (from === undefined || to === undefined || from === to) return;
    const object = pick(this.#inUse(from, isReadable), which);
    if (object === undefined) return;
    if (this.#settling.has(keyOf(object, from, to))) return;
    this.#network.push({ kind: 'descriptor', from, to, object, send: this.#nextSend(object, from, to) });
    this.#step(from, object, { kind: 'forward', to });
  }

  dispose(peer: number, which: number): void {
    const by = this.#peer(peer);
    const object = by === undefined ? undefined : pick(this.#inUse(by), which);
    if (by !== undefined && object !== undefined) this.#step(by, object, { kind: 'dispose' });
  }

  /** Delivers one message. `twice` leaves a copy on its way. */
  deliver(which: number, twice: boolean): void {
    const index = which % Math.max(1, this.#network.length);
    const message = this.#network[index];
    if (message === undefined) return;
    if (!twice || message.kind === 'descriptor' || message.kind === 'settle') this.#network.splice(index, 1);
    this.#receive(message);
  }

  /** A peer ends; all others learn it, each in its time. */
  kill(peer: number): void {
    const gone = this.#peer(peer);
    if (gone === undefined) return;
    this.#peers.delete(gone);
    for (const to of [OWNER, ...this.#peers.keys()]) this.#network.push({ kind: 'end of', from: gone, to, peer: gone });
  }

  /** A descriptor is lost, or only seems to be: it may come all the same, before or after its receiver has answered what came. */
  lose(which: number): void {
    const message = pick(
      this.#network.filter((each) => each.kind === 'descriptor'),
      which,
    );
    if (message?.kind !== 'descriptor') return;
    const { from, to, object } = message;
    const sent = this.#sends.get(keyOf(object, from, to)) ?? 0;
    if (this.#settling.has(keyOf(object, from, to))) return;
    if (which % 2 === 0) this.#network.splice(this.#network.indexOf(message), 1);
    this.#settling.set(keyOf(object, from, to), sent);
    this.#network.push({ kind: 'settle', from, to, object, sent });
  }

  /** Everybody disposes everything, and everything arrives. */
  end(): void {
    while (this.#heldHere.size > 0) this.drop(0);
    for (;;) {
      for (const peer of this.#peers.keys()) {
        for (const object of this.#inUse(peer)) this.#step(peer, object, { kind: 'dispose' });
      }
      if (this.#network.length === 0 && [...this.#peers.keys()].every((peer) => this.#inUse(peer).length === 0)) return;
      this.deliver(0, false);
    }
  }

  /** Peers that were alive and hold something that the owner does not know to be given back. */
  unsettled(): readonly string[] {
    return [...this.#peers].filter(([, holdings]) => [...holdings.values()].some(isReadable)).map(([peer]) => peer);
  }

  #receive(message: Message): void {
    const { to } = message;
    if (to !== OWNER && !this.#peers.has(to)) return;
    switch (message.kind) {
      case 'descriptor':
        return this.#arrived(message);
      case 'settle':
        return this.#settle(message);
      case 'settled forward': {
        const { from: by, object, sent, received } = message;
        this.#answered(object, to, by, sent);
        return this.#step(to, object, { kind: 'settled', to: by, sent, received });
      }
      case 'to owner':
        return this.#owner(message.event);
      case 'to peer':
        return this.#step(to, message.object, message.event);
      case 'end of':
        if (to === OWNER) return this.#owner({ kind: 'ended', peer: message.peer });
        for (const object of this.#peers.get(to)?.keys() ?? [])
          this.#step(to, object, { kind: 'ended', peer: message.peer });
    }
  }

  #arrived({ from, to, object, send }: Extract<Message, { kind: 'descriptor' }>): void {
    if (send <= (this.#late.get(keyOf(object, from, to)) ?? 0)) return;
    this.#step(to, object, { kind: 'arrived', from: from === OWNER ? undefined : from });
  }

  /** The answer to an earlier question may come again. */
  #answered(object: number, from: string, to: string, sent: number): void {
    const key = keyOf(object, from, to);
    if (this.#settling.get(key) === sent) this.#settling.delete(key);
  }

  #nextSend(object: number, from: string, to: string): number {
    const send = (this.#sends.get(keyOf(object, from, to)) ?? 0) + 1;
    this.#sends.set(keyOf(object, from, to), send);
    return send;
  }

  #settle({ from, to, object, sent }: Extract<Message, { kind: 'settle' }>): void {
    this.#late.set(keyOf(object, from, to), sent);
    const holding = this.#peers.get(to)?.get(object) ?? newHolding;
    if (from === OWNER) {
      const event = { kind: 'settled', object, by: to, sent, received: holding.received } as const;
      this.#network.push({ kind: 'to owner', from: to, to: OWNER, event });
      return;
    }
    const received = holding.claims.get(from)?.asked ?? 0;
    this.#network.push({ kind: 'settled forward', from: to, to: from, object, sent, received });
  }

  #owner(event: LedgerEvent): void {
    if (event.kind === 'settled') this.#answered(event.object, OWNER, event.by, event.sent);
    for (const effect of this.ledger.apply(event)) this.#carryOut(effect);
  }

  #carryOut(effect: LedgerEffect): void {
    const { object } = effect;
    switch (effect.kind) {
      case 'free':
        return this.#free(object);
      case 'claimed': {
        const { by, from, total } = effect;
        this.#network.push({ kind: 'to peer', from: OWNER, to: by, object, event: { kind: 'claimed', from, total } });
        this.#network.push({
          kind: 'to peer',
          from: OWNER,
          to: from,
          object,
          event: { kind: 'forwarded', to: by, total },
        });
        return;
      }
      case 'refused':
        this.#network.push({ kind: 'to peer', from: OWNER, to: effect.to, object, event: { kind: 'refused' } });
        return;
      case 'violation':
        throw new Error(`an honest peer was blamed: ${effect.by}, because ${effect.reason}`);
    }
  }

  #step(peer: string, object: number, event: HoldingEvent): void {
    const holdings = this.#peers.get(peer);
    const { holding, effects } = applyToHolding(holdings?.get(object) ?? newHolding, event);
    holdings?.set(object, holding);
    this.#tellOwner(peer, object, effects);
  }

  #tellOwner(by: string, object: number, effects: readonly HoldingEffect[]): void {
    for (const effect of effects) {
      const event: LedgerEvent =
        effect.kind === 'claim'
          ? { kind: 'claim', object, by, from: effect.from, total: effect.total }
          : { kind: 'release', by, totals: new Map([[object, effect.total]]) };
      this.#network.push({ kind: 'to owner', from: by, to: OWNER, event });
    }
  }

  #free(object: number): void {
    if (this.freed.has(object)) throw new Error(`object ${object} was freed twice`);
    this.freed.add(object);
    if (this.#heldHere.has(object)) throw new Error(`object ${object} was freed while its owner used it`);
    for (const [peer, holdings] of this.#peers) {
      const holding = holdings.get(object);
      if (holding !== undefined && holding.handles > 0 && isReadable(holding)) {
        throw new Error(`object ${object} was freed while ${peer} used it`);
      }
    }
    for (const message of this.#network) {
      if (message.kind !== 'descriptor' || message.object !== object || !this.#peers.has(message.to)) continue;
      if (message.send <= (this.#late.get(keyOf(object, message.from, message.to)) ?? 0)) continue;
      const isSenderThere = message.from === OWNER || this.#peers.has(message.from);
      if (isSenderThere) throw new Error(`object ${object} was freed on its way from ${message.from} to ${message.to}`);
    }
  }

  #inUse(peer: string, isWanted: (holding: Holding) => boolean = () => true): number[] {
    const holdings = [...(this.#peers.get(peer) ?? [])];
    return holdings.filter(([, holding]) => holding.handles > 0 && isWanted(holding)).map(([object]) => object);
  }

  #peer(which: number): string | undefined {
    return pick([...this.#peers.keys()], which);
  }
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % Math.max(1, items.length)];
}

function keyOf(object: number, from: string, to: string): string {
  return `${object} ${from} ${to}`;
}
