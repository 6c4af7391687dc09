import { Lane, v1, type EnvelopeView } from '../../protocol/index.js';
import type { Cell } from '../kernel/index.js';
import { MeteredActor, type ReceivingLink } from './metered-actor.js';
import type { PeerLink, RouterServices } from './peer-link.js';
import { ProgressReports } from './progress-reports.js';
import { ALL_MAILBOXES } from './send-credit.js';
import { UngrantedBytes } from './ungranted-bytes.js';

/** What needs to be known of the parked tells of one link to deliver them. */
interface Delivers {
  deliverParked(cell: Cell, bytes: Uint8Array, view: EnvelopeView): void;
  loseParked(cell: Cell, bytes: Uint8Array, view: EnvelopeView): void;
}

/**
 * The receiver's end of mailbox pressure over one link. A mailbox that is past its mark meters the link:
 *
 *     sender                          receiver
 *     tell, tell, tell ...     -->    past the mark
 *                              <--    Pressure METERED       (control lane)
 *     tells return false              what is under way is parked when the mailbox is full
 *     MailboxWant sent         -->    (data lane, behind the tells)
 *                              <--    Pressure METERED, granted = sent + share    when half is free
 *                              <--    Pressure CLEAR         when nobody else wants the room
 *
 * The bytes of all mailboxes together are one more such target, without grants.
 */
export class IncomingPressure {
  readonly #services: RouterServices;
  readonly #peer: PeerLink;
  readonly #actors = new Map<Cell, MeteredActor>();
  readonly #link: ReceivingLink;
  /** The peer was told that the mailboxes are out of bytes: what has arrived since. */
  #ungranted: UngrantedBytes | undefined;
  #cancelWait: (() => void) | undefined;
  readonly #bytesProgress: ProgressReports;

  constructor(services: RouterServices, peer: PeerLink, inbound: Delivers) {
    this.#services = services;
    this.#peer = peer;
    const { mailboxBytes } = services.system;
    this.#link = {
      maxMessageBytes: services.limits.maxMessageBytes,
      scheduler: services.scheduler,
      get peer() {
        return peer.identity;
      },
      get isReliable() {
        return peer.isReliable;
      },
      sendPressure: (value) => peer.sendControl({ message: { case: 'pressure', value } }),
      deliverParked: (cell, bytes, view) => inbound.deliverParked(cell, bytes, view),
      loseParked: (cell, bytes, view) => inbound.loseParked(cell, bytes, view),
      hold: (sizeBytes) => mailboxBytes.take(sizeBytes),
      release: (sizeBytes) => mailboxBytes.release(sizeBytes),
      violated: (text) => peer.violated(text),
      forget: (cell) => void this.#actors.delete(cell),
    };
    this.#bytesProgress = new ProgressReports(this.#link, ALL_MAILBOXES);
  }

  get needsRepeat(): boolean {
    return this.#actors.size > 0 || this.#ungranted !== undefined;
  }

  /** A tell to this actor must be parked. */
  mustPark(cell: Cell, lane: Lane): boolean {
    return cell.mustWait(lane, this.#link) || this.hasParked(cell);
  }

  /** Tells of this link to the actor are parked: nothing of the link may overtake them. */
  hasParked(cell: Cell): boolean {
    return this.#actors.size > 0 && this.#actors.get(cell)?.hasParked === true;
  }

  park(cell: Cell, lane: Lane, frame: Uint8Array, view: EnvelopeView): void {
    this.#metered(cell).park(frame, view);
    if (lane === Lane.data) {
      this.#countBytes(view);
    }
  }

  /** A message has been put into the mailbox. */
  arrived(cell: Cell, lane: Lane, view: EnvelopeView, isBelowMark: boolean): void {
    if (this.#actors.size > 0) {
      this.#actors.get(cell)?.arrived();
    }
    if (isBelowMark) {
      return;
    }
    if (cell.isPastMark) {
      this.#metered(cell);
    }
    if (lane === Lane.data) {
      this.#countBytes(view);
    }
  }

  onWant({ cUid, sent }: v1.MailboxWant): void {
    if (cUid === ALL_MAILBOXES) {
      this.#reportBytes();
      return;
    }
    const cell = this.#services.system.resolve(cUid);
    const metered = cell && this.#actors.get(cell);
    if (metered !== undefined) {
      metered.want(sent);
    } else {
      const level = cell === undefined ? v1.Pressure_Level.STOPPED : v1.Pressure_Level.CLEAR;
      this.#link.sendPressure({ cUid, level });
    }
  }

  repeat(): void {
    for (const metered of this.#actors.values()) {
      metered.repeat();
    }
    if (this.#ungranted !== undefined) {
      this.#reportBytes();
    }
  }

  /** The link has ended. Parked tells are still handled. */
  close(): void {
    this.#cancelWait?.();
    const actors = [...this.#actors.values()];
    this.#actors.clear();
    for (const metered of actors) {
      metered.leave();
    }
  }

  #metered(cell: Cell): MeteredActor {
    let metered = this.#actors.get(cell);
    if (metered === undefined) {
      metered = new MeteredActor(cell, this.#link);
      this.#actors.set(cell, metered);
      metered.report();
    }
    return metered;
  }

  #countBytes({ start, end }: EnvelopeView): void {
    const { mailboxBytes } = this.#services.system;
    if (!mailboxBytes.isPastMark) {
      return;
    }
    if (this.#ungranted === undefined) {
      this.#ungranted = new UngrantedBytes(this.#services.limits.maxMessageBytes);
      this.#reportBytes();
      this.#cancelWait = mailboxBytes.whenHalfFree({
        progressed: () => this.#bytesProgress.report(),
        halfFree: () => {
          this.#ungranted = undefined;
          this.#reportBytes();
        },
      });
    }
    if (this.#ungranted.isPastBound) {
      this.#peer.violated('The peer sends on, although it knows that the mailboxes hold mailboxBytes.');
    }
    if (this.#ungranted.add(end - start) && !this.#peer.isReliable) {
      this.#reportBytes();
    }
  }

  #reportBytes(): void {
    const { METERED, CLEAR } = v1.Pressure_Level;
    this.#link.sendPressure({ cUid: ALL_MAILBOXES, level: this.#ungranted === undefined ? CLEAR : METERED });
  }
}
