import { limits } from '../../limits.js';
import { EnvelopeMode, EnvelopeView, Lane, LANES, readValue, v1, WireReader } from '../../protocol/index.js';
import { type ControlledChannel, onControl } from './control-messages.js';
import { Inbound, type ReceivingChannel } from './inbound.js';
import { type FrameOwner, IncomingFrames } from './incoming-frames.js';
import type { LinkAsks } from './link-asks.js';
import type { LinkKinship } from './kinship.js';
import type { RouterServices } from './peer-link.js';
import { UnprovenEnvelopes } from './unproven-envelopes.js';

/** The channel, as what reads its frames sees it. */
export interface ReadingChannel extends ReceivingChannel, ControlledChannel {
  readonly asks: LinkAsks;
  readonly kinship: Readonly<LinkKinship>;
  /** False ends the reading, also in the midst of a frame. */
  readonly isReading: boolean;
  protocolError(error: unknown): void;
}

/** The receiving half of a channel: reads frames, and hands each envelope to the part that it is for. */
export class IncomingEnvelopes implements FrameOwner {
  readonly inbound: Inbound;
  readonly #channel: ReadingChannel;
  readonly #frames: IncomingFrames;
  readonly #valueReader = new WireReader();
  readonly #unproven: UnprovenEnvelopes;
  #lane: Lane = Lane.control;
  #protocolErrors = 0;

  constructor(services: RouterServices, channel: ReadingChannel) {
    this.#channel = channel;
    this.#unproven = new UnprovenEnvelopes(limits.controlBacklogBytes + services.limits.maxMessageBytes, channel);
    this.inbound = new Inbound(services, channel);
    this.#frames = new IncomingFrames(services.limits.maxMessageBytes, this);
  }

  get frames(): number {
    return this.#frames.frames;
  }

  get envelopes(): number {
    return this.#frames.envelopes;
  }

  read(lane: Lane, frame: Uint8Array): void {
    this.#begin(lane);
    this.#frames.read(frame);
  }

  #begin(lane: Lane): void {
    this.#lane = lane;
    this.inbound.beginFrame(lane);
  }

  get isReading(): boolean {
    return this.#channel.isReading;
  }

  envelope(bytes: Uint8Array, view: EnvelopeView): void {
    if (view.mode === EnvelopeMode.link) this.#control(bytes, view);
    else if (this.#channel.kinship.claim !== undefined) this.#unproven.add(this.#lane, bytes, view);
    else this.#message(bytes, view);
  }

  #control(bytes: Uint8Array, view: EnvelopeView): void {
    const channel = this.#channel;
    const word = readValue(v1.LinkMessage, this.#valueReader, bytes, view.valueStart, view.valueEnd);
    if (channel.kinship.claim === undefined) {
      onControl(channel, word);
    } else if (word.message.case !== 'hello') {
      this.#unproven.add(this.#lane, bytes, view);
    } else {
      onControl(channel, word);
      if (channel.kinship.claim === undefined) this.#deliverUnproven();
    }
  }

  /** The peer has proven who it is. */
  #deliverUnproven(): void {
    const lane = this.#lane;
    for (const each of LANES) {
      const view = new EnvelopeView();
      this.#begin(each);
      for (let bytes = this.#unproven.take(each, view); bytes !== undefined; bytes = this.#unproven.take(each, view)) {
        if (!this.isReading) return;
        try {
          this.envelope(bytes, view);
        } catch (error) {
          this.#channel.malformed(error);
        }
      }
    }
    this.#begin(lane);
  }

  #message(bytes: Uint8Array, view: EnvelopeView): void {
    const channel = this.#channel;
    switch (view.mode) {
      case EnvelopeMode.link:
        return;
      case EnvelopeMode.reply:
        channel.asks.onReply(bytes, view);
        return;
      case EnvelopeMode.failure:
        channel.asks.onFailure(view);
        return;
      case EnvelopeMode.element:
        channel.streams.read.element(bytes, view);
        return;
      case EnvelopeMode.tell:
      case EnvelopeMode.ask:
      case EnvelopeMode.open:
        this.inbound.deliver(bytes, view);
    }
  }

  /** Malformed bytes never throw into the event loop. They are counted and logged, and after a limit the link is closed. */
  malformed(error: unknown): void {
    const channel = this.#channel;
    this.#protocolErrors++;
    channel.protocolError(error);
    if (this.#protocolErrors >= limits.linkProtocolErrors) {
      channel.violated(`${this.#protocolErrors} messages from ${channel.name.text} were malformed.`);
    }
  }

  close(): void {
    this.#unproven.close();
    this.inbound.close();
  }
}
