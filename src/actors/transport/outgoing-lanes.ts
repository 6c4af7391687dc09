import type { MillraceError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type AnyMethod, type EnvelopeHeader, Lane, LANES, type MessageType } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link } from '../../transport/index.js';
import type { BacklogBuffers } from './backlog-buffers.js';
import { DetachedSends } from './detached-sends.js';
import type { MessageFields } from './message-fields.js';
import { Outbox } from './outbox.js';
import { type UntakenEnvelopes, untakenIn } from './untaken-envelopes.js';
import { LinkBacklog, type WaitingReplies } from './waiting-replies.js';

export interface LaneServices {
  readonly limits: Readonly<Record<'frameBytes' | 'maxMessageBytes' | 'linkBacklogBytes', number>>;
  readonly backlogBuffers: BacklogBuffers;
  readonly scheduler: Scheduler;
  readonly waitingReplies: WaitingReplies;
  readonly fields: MessageFields | undefined;
}

/** The channel whose envelopes these are. */
export interface SendingChannel {
  /** Closes the link, whose peer does not take its replies. */
  giveUp(): void;
  /** An envelope that has waited was written, or cannot be. */
  written(): void;
  /** A tell has waited, and cannot be sent. */
  lost(cUid: bigint, method: AnyMethod, cause: MillraceError): void;
}

/** Both lanes of one link as one: what waits on them, what was sent, and what is recovered of it when the link ends. */
export class OutgoingLanes {
  readonly control: Outbox;
  readonly data: Outbox;
  /** What has large fields goes through it. */
  readonly detached: DetachedSends;
  readonly #maxMessageBytes: number;
  readonly #waitingReplies: WaitingReplies;
  readonly #waitingHere: LinkBacklog;
  /** The link is closed in its next turn, and counts no more. */
  #isGivenUp = false;

  constructor(services: LaneServices, channel: Pick<SendingChannel, 'giveUp' | 'written'>) {
    const { limits: bounds, backlogBuffers, scheduler, waitingReplies } = services;
    this.#waitingReplies = waitingReplies;
    this.#waitingHere = new LinkBacklog(() => {
      this.#isGivenUp = true;
      scheduler.schedule(() => channel.giveUp());
    });
    const { frameBytes, maxMessageBytes, linkBacklogBytes } = bounds;
    const now = (): number => scheduler.now();
    this.#maxMessageBytes = maxMessageBytes;
    const sizes = { frameBytes, maxMessageBytes };
    this.control = new Outbox(
      Lane.control,
      { ...sizes, backlogBytes: limits.controlBacklogBytes },
      backlogBuffers,
      now,
    );
    this.data = new Outbox(Lane.data, { ...sizes, backlogBytes: linkBacklogBytes }, backlogBuffers, now);
    this.detached = new DetachedSends(
      services,
      (lane) => this.of(lane),
      () => channel.written(),
      scheduler,
    );
  }

  of(lane: Lane): Outbox {
    return lane === Lane.control ? this.control : this.data;
  }

  // ---- what waits, and what was sent

  get frames(): number {
    return this.control.frames + this.data.frames;
  }

  /** Bytes that wait until the link opens or has credit. */
  get waitingBytes(): number {
    return this.control.waitingBytes + this.data.waitingBytes + this.detached.waitingBytes;
  }

  /** Bytes of all envelopes, sent or not. */
  get writtenBytes(): number {
    return this.control.writtenBytes + this.data.writtenBytes;
  }

  /** Tells that were written, sent or not. */
  get tells(): number {
    return this.control.tells + this.data.tells + this.detached.tells;
  }

  /** Senders should wait. */
  get isPastMark(): boolean {
    return this.control.isPastMark || this.data.isPastMark;
  }

  /** More bytes wait than a peer that reads would ever leave. */
  get isStuck(): boolean {
    return (
      this.control.waitingBytes > limits.controlBacklogBytes ||
      this.data.waitingBytes > limits.linkReplyBytes + limits.controlBacklogBytes
    );
  }

  /** Bytes of replies that may wait for this link. */
  get replyAllowance(): number {
    return this.#waitingReplies.allowance;
  }

  /** Only replies and failures add to the count of what waits for all links: all else has bounds of its own. */
  count(): void {
    const { waitingBytes } = this;
    if (waitingBytes !== this.#waitingHere.bytes && !this.#isGivenUp) {
      this.#waitingReplies.update(this.#waitingHere, waitingBytes);
    }
  }

  // ---- the link

  /** Writes an envelope that goes before all that waits, on each lane: no lane may overtake it on the other. For the time before `attach`. */
  writeFirst(header: () => EnvelopeHeader, type: MessageType<unknown, unknown>, value: unknown): void {
    for (const lane of LANES) this.of(lane).writeFirst(header(), type, value);
  }

  attach(link: Link): void {
    this.control.attach(link);
    this.data.attach(link);
    if (!link.isReliable) this.detached.lossy();
    this.count();
  }

  flush(): void {
    this.control.flush();
    this.data.flush();
    this.count();
  }

  drain(lane: Lane): void {
    this.of(lane).drain();
    this.count();
  }

  /** The link has ended: removes and returns all that was never sent, or that the peer has not taken as far as this end knows. */
  recover(methodOf: (number: number) => AnyMethod | undefined): UntakenEnvelopes {
    const waiting = this.detached.close();
    const lanes = [this.control, this.data].map((outbox) => {
      const untaken = untakenIn(outbox.undelivered(), this.#maxMessageBytes, methodOf);
      return { ...untaken, tells: untaken.tells.slice(outbox.takenOfLast(untaken.tells.length)) };
    });
    this.count();
    return {
      tells: [...lanes.flatMap(({ tells }) => tells), ...waiting],
      reports: lanes.flatMap(({ reports }) => reports),
    };
  }
}
