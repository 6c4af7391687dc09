import { ProtocolError } from '../../errors.js';
import { EnvelopeView, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Cell, MeteredLink, LinkPlace } from '../kernel/index.js';
import { ParkedTells } from './parked-tells.js';
import { ProgressReports } from './progress-reports.js';
import { UngrantedBytes } from './ungranted-bytes.js';

/** Largest count that a sender may state, so that a grant added to it is exact. */
const LARGEST_COUNT = 2 ** 52;

/** What the metering of one actor needs of the link. */
export interface ReceivingLink {
  /** Identifies the process of the peer; undefined until it is known. */
  readonly peer: string | undefined;
  readonly isReliable: boolean;
  readonly scheduler: Scheduler;
  readonly maxMessageBytes: number;
  sendPressure(message: v1.PressureInit): void;
  /** Decodes a parked tell and puts it into the mailbox. */
  deliverParked(cell: Cell, bytes: Uint8Array, view: EnvelopeView): void;
  /** The actor has stopped: a parked tell is a dead letter. */
  loseParked(cell: Cell, bytes: Uint8Array, view: EnvelopeView): void;
  /** The bytes count among those of all mailboxes. */
  hold(sizeBytes: number): void;
  release(sizeBytes: number): void;
  /** The peer ignores that it is metered: ends the link. */
  violated(text: string): void;
  /** The actor is not metered any more. */
  forget(cell: Cell): void;
}

/** The receiver's end: one actor, metered for one link, with the tells of that link that found no room. */
export class MeteredActor implements MeteredLink {
  readonly #cell: Cell;
  readonly #link: ReceivingLink;
  readonly #place: LinkPlace;
  readonly #view = new EnvelopeView();
  readonly #tells = new ParkedTells();
  readonly #ungranted: UngrantedBytes;
  readonly #drops: boolean;
  readonly #progress: ProgressReports;
  /** Totals as the sender counts them: when it last wanted more, and with what has arrived since. */
  #wantedAt = 0;
  #sent = 0;
  #granted = 0;
  #isOver = false;

  constructor(cell: Cell, link: ReceivingLink) {
    this.#cell = cell;
    this.#link = link;
    this.#ungranted = new UngrantedBytes(link.maxMessageBytes);
    this.#drops = cell.bounds.overflow !== 'backpressure';
    this.#progress = new ProgressReports(link, cell.cUid);
    this.#place = cell.meterLink(this);
  }

  get peer(): string | undefined {
    return this.#link.peer;
  }

  get hasParked(): boolean {
    return this.#place.parked > 0;
  }

  /** Tells the sender that it is metered, and what it was granted. */
  report(): void {
    const level = this.#drops ? v1.Pressure_Level.PAST_MARK : v1.Pressure_Level.METERED;
    this.#link.sendPressure({ cUid: this.#cell.cUid, level, granted: this.#granted });
  }

  /** On a link that may lose frames: the last report may have been lost, or messages that were granted. */
  repeat(): void {
    this.#place.room.liftIdle();
    if (!this.#isOver) {
      this.report();
    }
  }

  /** A message has arrived and is in the mailbox. */
  arrived(): void {
    this.#count();
  }

  park(frame: Uint8Array, { start, end }: EnvelopeView): void {
    const { room } = this.#place;
    const size = end - start;
    if (!this.#count()) {
      this.#countUngranted(size);
    }
    this.#tells.push(frame, start, end);
    this.#link.hold(size);
    room.park(this.#place);
  }

  /** The sender has sent this many messages, and wants to send more. */
  want(sent: number): void {
    if (sent > LARGEST_COUNT) {
      throw new ProtocolError(`The peer says that it has sent ${sent} messages to one actor.`);
    }
    if (sent < this.#wantedAt) {
      return;
    }
    this.#wantedAt = sent;
    this.#sent = sent;
    const outstanding = Math.max(0, this.#granted - sent);
    if (this.#drops || (outstanding > 0 && !this.#link.isReliable)) {
      // The last report may have been lost.
      this.report();
    }
    const { room } = this.#place;
    room.wants(this.#place, outstanding, true);
    room.admit();
  }

  /** The link has ended. What is parked is handled all the same. */
  leave(): void {
    const { room } = this.#place;
    room.leave(this.#place);
    room.admit();
  }

  takeParked(): void {
    const bytes = this.#take();
    if (bytes !== undefined) {
      this.#link.deliverParked(this.#cell, bytes, this.#view);
    }
  }

  grant(messages: number): void {
    this.#granted = this.#sent + messages;
    this.report();
  }

  progressed(): void {
    this.#progress.report();
  }

  lift(): void {
    this.#end(v1.Pressure_Level.CLEAR);
  }

  stopped(): void {
    for (let bytes = this.#take(); bytes !== undefined; bytes = this.#take()) {
      this.#link.loseParked(this.#cell, bytes, this.#view);
    }
    this.#end(v1.Pressure_Level.STOPPED);
  }

  /** A message has arrived. False when it was not granted. */
  #count(): boolean {
    this.#sent++;
    return this.#place.room.arrived(this.#place);
  }

  #take(): Uint8Array | undefined {
    const before = this.#tells.sizeBytes;
    const bytes = this.#tells.take(this.#view);
    this.#link.release(before - this.#tells.sizeBytes);
    this.#ungranted.lower(this.#tells.sizeBytes);
    return bytes;
  }

  #end(level: v1.Pressure_Level): void {
    this.#isOver = true;
    this.#link.forget(this.#cell);
    this.#link.sendPressure({ cUid: this.#cell.cUid, level });
  }

  #countUngranted(size: number): void {
    if (this.#ungranted.isPastBound) {
      const { path } = this.#cell;
      this.#link.violated(
        `The peer sends on to ${path}, whose mailbox it knows to be full: linkParkedBytes wait beside it.`,
      );
    }
    if (this.#ungranted.add(size) && !this.#link.isReliable) {
      this.report();
    }
  }
}
