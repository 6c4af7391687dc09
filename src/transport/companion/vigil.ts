import type { Logger } from '../../logging/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** A link as a vigil sees it. */
export interface Watched {
  readonly peerAddress: string;
  /** Anything came from the peer since the last call. */
  wasHeard(): boolean;
  /** Asks the peer for a word. */
  ping(): void;
  /** Whether the peer's host itself is silent; undefined on one host, where the kernel tells of every end. */
  readonly isHostSilent: (() => Promise<boolean>) | undefined;
  /** The peer's host is gone, or cut off. */
  lost(message: string): void;
}

interface Watch {
  silentRounds: number;
  hostSilentRounds: number;
  isUnresponsive: boolean;
}

const ROUNDS = 5;
/** Rounds in a row in which a host acknowledged nothing; a single segment may be lost on any network. */
const HOST_ROUNDS = 3;

/**
 * Listens for silence. A silent process is unresponsive: it may compute, or sit in a debugger, and is told of, never declared dead. A
 * host that does not acknowledge what is sent to it is: its links end as lost.
 */
export class Vigil {
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  readonly #deadMs: number;
  readonly #watches = new Map<Watched, Watch>();
  #timer: Timer | undefined;

  /** `deadMs`: silence that counts. */
  constructor(scheduler: Scheduler, log: Logger, deadMs: number) {
    this.#scheduler = scheduler;
    this.#log = log;
    this.#deadMs = deadMs;
  }

  /** Links whose peers are silent now. */
  get unresponsive(): number {
    return [...this.#watches.values()].filter(({ isUnresponsive }) => isUnresponsive).length;
  }

  isUnresponsive(link: Watched): boolean {
    return this.#watches.get(link)?.isUnresponsive === true;
  }

  add(link: Watched): void {
    this.#watches.set(link, { silentRounds: 0, hostSilentRounds: 0, isUnresponsive: false });
    this.#timer ??= this.#nextRound();
  }

  remove(link: Watched): void {
    this.#watches.delete(link);
    if (this.#watches.size > 0 || this.#timer === undefined) return;
    this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #nextRound(): Timer {
    return this.#scheduler.setTimer(this.#deadMs / ROUNDS, () => {
      this.#timer = this.#watches.size > 0 ? this.#nextRound() : undefined;
      for (const [link, watch] of this.#watches) this.#look(link, watch);
    });
  }

  #look(link: Watched, watch: Watch): void {
    if (link.wasHeard()) return this.#heard(link, watch);
    watch.silentRounds += 1;
    if (watch.silentRounds === 1) return link.ping();
    if (watch.silentRounds >= ROUNDS && !watch.isUnresponsive) {
      watch.isUnresponsive = true;
      this.#log.warn('a peer is unresponsive', { peer: link.peerAddress, silentMs: this.#deadMs });
    }
    void link.isHostSilent?.().then((isSilent) => this.#hostHeard(link, watch, isSilent));
  }

  #heard(link: Watched, watch: Watch): void {
    watch.silentRounds = 0;
    watch.hostSilentRounds = 0;
    if (!watch.isUnresponsive) return;
    watch.isUnresponsive = false;
    this.#log.info('a peer answers again', { peer: link.peerAddress });
  }

  #hostHeard(link: Watched, watch: Watch, isSilent: boolean): void {
    if (this.#watches.get(link) !== watch) return;
    watch.hostSilentRounds = isSilent ? watch.hostSilentRounds + 1 : 0;
    if (watch.silentRounds < ROUNDS || watch.hostSilentRounds < HOST_ROUNDS) return;
    link.lost(`its host has acknowledged nothing for ${this.#deadMs} ms`);
  }
}
