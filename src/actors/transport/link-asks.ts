import { BackpressureError, MillraceError, ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type AnyMethod, type EnvelopeView, readValue, WireReader } from '../../protocol/index.js';
import type { AskOptions, OutgoingCall } from '../kernel/index.js';
import { type ArrivingFields, arrivingFields, dropFields } from './arriving-fields.js';
import type { PeerLink, RouterServices } from './peer-link.js';
import { CorrelationTable } from './correlation-table.js';
import type { Recipient } from './recipient.js';
import { RemoteAsk } from './remote-ask.js';
import { forCaller, fromWire, NO_CAUSE } from '../../protocol/errors/index.js';

/** The asks that wait for their replies over one link. Sends them, and settles them with what arrives. */
export class LinkAsks {
  readonly #services: RouterServices;
  readonly #peer: PeerLink;
  readonly #waiting = new CorrelationTable<RemoteAsk>();
  readonly #reader = new WireReader();

  constructor(services: RouterServices, peer: PeerLink) {
    this.#services = services;
    this.#peer = peer;
  }

  get size(): number {
    return this.#waiting.size;
  }

  ask(
    to: Recipient,
    method: AnyMethod,
    message: unknown,
    call: OutgoingCall,
    options: AskOptions | undefined,
  ): Promise<unknown> {
    const { name, outgoing } = this.#peer;
    if (this.#waiting.size >= limits.linkAsks) {
      const full = new BackpressureError(
        `${limits.linkAsks} asks already wait for replies from ${name.text} (linkAsks).`,
      );
      return this.#services.system.deadlines.asks.refuse(full);
    }
    return new Promise((resolve, reject) => {
      const { deadlines } = this.#services.system;
      const ask = new RemoteAsk(
        this.#waiting,
        this.#peer,
        to.cUid,
        deadlines,
        method,
        call.deadlineMs,
        options,
        resolve,
        reject,
      );
      // An ask that has expired or was aborted already is not sent.
      ask.start(call.beganMs);
      if (ask.isSettled) {
        return;
      }
      try {
        outgoing.ask(to, method, message, call, ask, call.beganMs);
        if (options?.signal !== undefined) {
          ask.sent(() => this.#aborted(ask));
        }
        this.#peer.written();
        ask.handedOver();
      } catch (error) {
        ask.cancel(error);
      }
    });
  }

  #aborted({ correlation, method }: RemoteAsk): void {
    this.#peer.outgoing.sendControl({ message: { case: 'askAborted', value: { correlation } } }, method.lane);
    this.#peer.written();
  }

  /** A reply to an ask that has settled is dropped: the caller has its result already. */
  onReply(bytes: Uint8Array, view: EnvelopeView): void {
    const ask = this.#waiting.get(view.correlation);
    if (ask === undefined) {
      dropFields(this.#services, this.#peer, view);
      return;
    }
    try {
      if (view.detached !== undefined) {
        this.#onArriving(ask, arrivingFields(this.#services, this.#peer, ask.method.response, bytes, view));
        return;
      }
      ask.reply(readValue(ask.method.response, this.#reader, bytes, view.valueStart, view.valueEnd));
    } catch (error) {
      ask.fail(error instanceof ProtocolError ? error : new ProtocolError(messageOf(error)));
      throw error;
    }
  }

  /** A reply whose large fields are read first, and copied: nobody says when its caller is done with it. */
  #onArriving(ask: RemoteAsk, reply: ArrivingFields): void {
    reply.open(false).then(
      (response) => ask.reply(response),
      (error: unknown) =>
        ask.fail(error instanceof MillraceError ? error : new ProtocolError(messageOf(error), { cause: error })),
    );
  }

  onFailure(view: EnvelopeView): void {
    this.#waiting.get(view.correlation)?.fail(fromWire(view.error ?? NO_CAUSE));
  }

  close(error: MillraceError): void {
    for (const ask of this.#waiting.values()) ask.fail(forCaller(error));
  }
}
