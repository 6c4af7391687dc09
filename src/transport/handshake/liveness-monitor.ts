import type { Logger } from '../../logging/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** A link as the monitor sees it. */
export interface MonitoredLink {
  readonly peerAddress: string;
  /** True if anything arrived from the peer since the last call. */
  wasActive(): boolean;
  /** Sends a ping to the peer. */
  ping(): void;
  /** Probes whether the peer's host acknowledges nothing. Undefined on one host, where the kernel reports the end of every process. */
  readonly isHostSilent: (() => Promise<boolean>) | undefined;
  /** Called when the peer's host is down or unreachable. */
  lost(message: string): void;
}

interface Watch {
  silentRounds: number;
  hostSilentRounds: number;
  isUnresponsive: boolean;
}

const ROUNDS = 5;
/** Rounds in a row without an acknowledgement before a host counts as lost. Any network may lose a single segment. */
const HOST_ROUNDS = 3;

/**
 * Detects silent peers. A silent process is unresponsive: it may compute, or be stopped in a debugger. The monitor reports it, and never
 * ends its link. A host that acknowledges nothing is lost: the monitor ends its links.
 */
export class LivenessMonitor {
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  readonly #deadMs: number;
  readonly #watches = new Map<MonitoredLink, Watch>();
  #timer: Timer | undefined;

  /** `deadMs`: after this much silence, a peer is unresponsive. */
  constructor(scheduler: Scheduler, log: Logger, deadMs: number) {
    this.#scheduler = scheduler;
    this.#log = log;
    this.#deadMs = deadMs;
  }

  /** The number of links whose peers are unresponsive now. */
  get unresponsive(): number {
    return [...this.#watches.values()].filter(({ isUnresponsive }) => isUnresponsive).length;
  }

  isUnresponsive(link: MonitoredLink): boolean {
    return this.#watches.get(link)?.isUnresponsive === true;
  }

  add(link: MonitoredLink): void {
    this.#watches.set(link, { silentRounds: 0, hostSilentRounds: 0, isUnresponsive: false });
    this.#timer ??= this.#nextRound();
  }

  remove(link: MonitoredLink): void {
    this.#watches.delete(link);
    if (this.#watches.size > 0 || this.#timer === undefined) return;
    this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #nextRound(): Timer {
    return this.#scheduler.setTimer(this.#deadMs / ROUNDS, () => {
      this.#timer = this.#watches.size > 0 ? this.#nextRound() : undefined;
      for (const [link, watch] of this.#watches) this.#check(link, watch);
    });
  }

  #check(link: MonitoredLink, watch: Watch): void {
    if (link.wasActive()) return this.#onActivity(link, watch);
    watch.silentRounds += 1;
    if (watch.silentRounds === 1) return link.ping();
    if (watch.silentRounds >= ROUNDS && !watch.isUnresponsive) {
      watch.isUnresponsive = true;
      this.#log.warn('a peer is unresponsive', { peer: link.peerAddress, silentMs: this.#deadMs });
    }
    void link.isHostSilent?.().then((isSilent) => this.#onHostProbe(link, watch, isSilent));
  }

  #onActivity(link: MonitoredLink, watch: Watch): void {
    watch.silentRounds = 0;
    watch.hostSilentRounds = 0;
    if (!watch.isUnresponsive) return;
    watch.isUnresponsive = false;
    this.#log.info('a peer answers again', { peer: link.peerAddress });
  }

  #onHostProbe(link: MonitoredLink, watch: Watch, isSilent: boolean): void {
    if (this.#watches.get(link) !== watch) return;
    watch.hostSilentRounds = isSilent ? watch.hostSilentRounds + 1 : 0;
    if (watch.silentRounds < ROUNDS || watch.hostSilentRounds < HOST_ROUNDS) return;
    link.lost(`the peer's host has acknowledged nothing for ${this.#deadMs} ms`);
  }
}
