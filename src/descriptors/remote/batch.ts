import type { Scheduler } from '../../scheduler/index.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';

/** Sends a control message to a peer. What a peer that has ended is sent is lost. */
export type SendControl = (to: PeerIncarnation, control: v1.DescriptorControlInit) => void;

interface Waiting {
  readonly released: Map<number, number>;
  readonly freed: Set<number>;
}

/** What can be said together is said once in a turn: objects that are given back, and objects that are gone. */
export class ControlBatch {
  readonly #scheduler: Pick<Scheduler, 'schedule'>;
  readonly #send: SendControl;
  readonly #waiting = new Map<PeerIncarnation, Waiting>();

  constructor(scheduler: Pick<Scheduler, 'schedule'>, send: SendControl) {
    this.#scheduler = scheduler;
    this.#send = send;
  }

  release(owner: PeerIncarnation, object: number, total: number): void {
    this.#for(owner).released.set(object, total);
  }

  /** All of these peers but `except` are told. */
  free(peers: readonly PeerIncarnation[], object: number, except?: PeerIncarnation): void {
    for (const peer of peers) if (peer !== except) this.#for(peer).freed.add(object);
  }

  forget(peer: PeerIncarnation): void {
    this.#waiting.delete(peer);
  }

  #for(peer: PeerIncarnation): Waiting {
    const known = this.#waiting.get(peer);
    if (known !== undefined) return known;
    const waiting = { released: new Map<number, number>(), freed: new Set<number>() };
    if (this.#waiting.size === 0) this.#scheduler.schedule(() => this.#flush());
    this.#waiting.set(peer, waiting);
    return waiting;
  }

  #flush(): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const [peer, { released, freed }] of all) {
      const totals = [...released].map(([object, total]) => ({ object, total }));
      if (totals.length > 0) this.#send(peer, { message: { case: 'releases', value: { totals } } });
      if (freed.size > 0) this.#send(peer, { message: { case: 'freed', value: { objects: [...freed] } } });
    }
  }
}
