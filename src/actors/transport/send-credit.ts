import { BackpressureError, type MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type AnyMethod, Lane, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { isInfrastructure, ReadyQueue, type ReadyWait } from '../kernel/index.js';
import { MeteredTarget, type SendingLink } from './metered-target.js';
import type { PeerLink } from './peer-link.js';
import { forCaller } from '../../protocol/errors/index.js';

/** In Pressure and MailboxWant, the channel id of no actor: all mailboxes of the receiver's partition together. */
export const ALL_MAILBOXES: bigint = 0n;

/** The sender's end of mailbox pressure over one link: see IncomingPressure. Messages to actors without pressure cost nothing here. */
export class SendCredit {
  readonly #peer: PeerLink;
  readonly #link: SendingLink;
  readonly #targets = new Map<bigint, MeteredTarget>();
  /** Targets with callers of `ready()`. */
  readonly #waiting = new Set<MeteredTarget>();
  /** Those who wait for the link alone. */
  readonly #forLink: ReadyQueue;
  /** Above every grant and every count until now. */
  #firstCount = 0;

  constructor(peer: PeerLink, scheduler: Scheduler) {
    this.#peer = peer;
    this.#forLink = new ReadyQueue(scheduler, () => !peer.lanes.isPastMark);
    this.#link = {
      want: (target) => this.#want(target),
      hasRoom: (cUid) =>
        !peer.lanes.isPastMark && !peer.lanes.detached.isHeldUp(cUid) && this.#all(Lane.data)?.hasRoom !== false,
      queueFor: (hasRoom) => new ReadyQueue(scheduler, hasRoom),
    };
  }

  /** No mailbox of the peer is metered. */
  get isIdle(): boolean {
    return this.#targets.size === 0;
  }

  /** The mailboxes of the peer that let nothing more be sent now, with how many messages each has let through and has got. */
  get withoutRoom(): readonly { readonly cUid: bigint; readonly granted: number; readonly sent: number }[] {
    return [...this.#targets.values()].filter(({ hasRoom }) => !hasRoom);
  }

  /** A MailboxWant may have to be repeated. */
  get needsRepeat(): boolean {
    return [...this.#targets.values()].some(({ isWanting }) => isWanting);
  }

  /** A tell is to be sent while a mailbox is metered. Throws BackpressureError when this one, or all together, have no room. */
  admit(cUid: bigint, lane: Lane): void {
    for (const target of [this.#all(lane), this.#targets.get(cUid)]) {
      if (target?.acceptsTell === false) throw this.#refusal(target);
    }
  }

  /**
   * An ask is made, or a stream opened: the error that it gets when there is no room for it, else it counts as sent. The runtime's own calls wait for no
   * bytes of the mailboxes: the messages that hold them may wait for such a call, which reads their large fields.
   */
  claimCall(cUid: bigint, method: Pick<AnyMethod, 'fullName' | 'lane'>): BackpressureError | undefined {
    if (this.isIdle) {
      return undefined;
    }
    const lane = isInfrastructure(method.fullName) ? Lane.control : method.lane;
    for (const target of [this.#all(lane), this.#targets.get(cUid)]) {
      if (target?.acceptsCall === false) {
        return this.#refusal(target);
      }
    }
    this.spend(cUid, lane, 0);
    return undefined;
  }

  onPressure({ cUid, level, granted }: v1.Pressure): void {
    const { CLEAR, PAST_MARK, METERED, STOPPED, WORKING } = v1.Pressure_Level;
    switch (level) {
      case PAST_MARK:
        this.#assertFewTargets(cUid);
        this.#target(cUid).passMark();
        break;
      case METERED:
        this.#assertFewTargets(cUid);
        this.#target(cUid).meter(this.#nextCount(), granted);
        this.#firstCount = Math.max(this.#firstCount, granted);
        break;
      case CLEAR:
      case STOPPED:
        this.#lift(cUid, level === STOPPED);
        break;
      case WORKING:
        this.#progressed(cUid);
        break;
      default:
        throw new ProtocolError(`The peer reports a pressure of ${String(level)}, which this version does not know.`);
    }
    this.wake();
  }

  /** An actor that callers of `ready()` wait for has handled messages, or some actors of its partition have. */
  #progressed(cUid: bigint): void {
    for (const target of this.#waiting) {
      if (cUid === target.cUid || cUid === ALL_MAILBOXES) {
        target.waiters.progressed();
      }
    }
  }

  /** The peer has taken something from the link. */
  linkProgressed(): void {
    if (this.#peer.lanes.isPastMark) {
      this.#progressed(ALL_MAILBOXES);
    }
    this.wake();
  }

  /** A message was sent. False when the next one should wait. */
  spend(cUid: bigint, lane: Lane, sizeBytes: number): boolean {
    const all = this.#all(lane)?.spend(sizeBytes) ?? true;
    return (this.#targets.get(cUid)?.spend(sizeBytes) ?? true) && all;
  }

  #lift(cUid: bigint, hasStopped: boolean): void {
    const target = this.#targets.get(cUid);
    if (target === undefined) {
      return;
    }
    this.#firstCount = Math.max(this.#firstCount, target.sent);
    target.lift();
    if (hasStopped) {
      const path = this.#peer.pathOf(cUid);
      target.waiters.reject(() => new StoppedError(`${path} has stopped and will not be ready again.`));
    }
    this.#forgetUnused(target);
  }

  /** A tell to this actor would return true, and nobody waits for that. */
  hasRoom(cUid: bigint): boolean {
    const known = this.#targets.get(cUid);
    return this.#link.hasRoom(cUid) && (known === undefined || (known.hasRoom && known.waiters.isIdle));
  }

  /** `wait` resolves when a tell to this actor would return true. */
  ready(cUid: bigint, wait: ReadyWait): void {
    if (this.hasRoom(cUid)) {
      wait.resolve();
    }
    if (wait.isSettled) {
      return;
    }
    const target = this.#target(cUid);
    this.#waiting.add(target);
    wait.join(target.waiters);
    target.short();
    this.wake();
  }

  /** Resolves when the link has room, whatever the mailboxes have. */
  linkReady(): Promise<void> {
    return this.#forLink.wait();
  }

  /** The link may have room again, or a mailbox. */
  wake(): void {
    this.#forLink.wake();
    const all = this.#all(Lane.data);
    if (this.#waiting.size > 0 && all?.hasRoom === false) {
      // They wait for the partition, too: what says that it has room again may be lost, and has to be asked for.
      all.short();
    }
    for (const target of this.#waiting) {
      target.waiters.wake();
      if (target.waiters.isIdle) {
        this.#waiting.delete(target);
        this.#forgetUnused(target);
      }
    }
  }

  repeat(): void {
    for (const target of this.#targets.values()) {
      if (target.isWanting) {
        this.#want(target);
      }
    }
  }

  close(error: MillraceError): void {
    this.#targets.clear();
    this.#forLink.reject(() => forCaller(error));
    for (const { waiters } of this.#waiting) {
      waiters.reject(() => forCaller(error));
    }
    this.#waiting.clear();
  }

  #all(lane: Lane): MeteredTarget | undefined {
    return lane === Lane.data && this.#targets.size > 0 ? this.#targets.get(ALL_MAILBOXES) : undefined;
  }

  #target(cUid: bigint): MeteredTarget {
    let target = this.#targets.get(cUid);
    if (target === undefined) {
      target = new MeteredTarget(cUid, this.#link);
      this.#targets.set(cUid, target);
    }
    return target;
  }

  #assertFewTargets(cUid: bigint): void {
    if (this.#targets.size >= limits.linkMeteredActors && !this.#targets.has(cUid)) {
      throw new ProtocolError(
        `The peer meters more than ${limits.linkMeteredActors} of its mailboxes (linkMeteredActors).`,
      );
    }
  }

  #forgetUnused(target: MeteredTarget): void {
    if (!target.isMetered && target.waiters.isIdle) {
      this.#targets.delete(target.cUid);
    }
  }

  /** Counts start above every earlier grant, so that a late one of those grants nothing. */
  #nextCount(): number {
    return Math.max(this.#firstCount, this.#peer.outgoing.envelopes);
  }

  #want({ cUid, sent }: MeteredTarget): void {
    this.#peer.outgoing.sendControl({ message: { case: 'mailboxWant', value: { cUid, sent } } }, Lane.data);
    this.#peer.written();
    this.#peer.repeatLater();
  }

  #refusal(target: MeteredTarget): BackpressureError {
    target.short();
    const what =
      target.cUid === ALL_MAILBOXES
        ? `The mailboxes of ${this.#peer.name.text} hold mailboxBytes`
        : `The mailbox of ${this.#peer.pathOf(target.cUid)} is full`;
    return new BackpressureError(`${what}: await ref.ready() and send again.`);
  }
}
