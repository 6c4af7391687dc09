import type { MillraceError } from '../../errors.js';
import type { Meta, Ref } from '../../protocol/index.js';
import type { CallChain } from './call-chain.js';
import type { TraceContext } from './trace-context.js';

/** What comes with a message that is not a bare tell from outside any actor. Made by a local call, or by the router for a message from a link. */
export interface Delivery {
  /** Scheduler time after which the request is not executed; `Infinity` for a tell, which is how one is told from an ask. */
  readonly deadlineMs: number;
  /** Who waits for this reply, and who waits for them. */
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly sender: Ref | undefined;
  /** Encoded size of a message from a link; 0 for a local one. */
  readonly sizeBytes: number;
  readonly trace?: TraceContext | undefined;
  /** Stands for the link that an ask, or a message of the control lane, came over. */
  readonly link?: object | undefined;
  /** Answers an ask with what the handler returned; the receiver fills defaults with `method.response.create`. */
  reply(value: unknown): void;
  fail(error: MillraceError): void;
}

/** The actor at the other end of a delivery, as far as a sender needs to be known. */
export interface Sender {
  toRef(): Ref;
}

/** A tell sent by an actor of this partition: carries the sender, meta and trace context where there are some. */
export class TellDelivery implements Delivery {
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  readonly chain = undefined;
  readonly sizeBytes = 0;
  readonly meta: Meta | undefined;
  readonly trace: TraceContext | undefined;
  readonly #sender: Sender | undefined;

  constructor(sender: Sender | undefined, meta: Meta | undefined, trace?: TraceContext) {
    this.#sender = sender;
    this.meta = meta;
    this.trace = trace;
  }

  get sender(): Ref | undefined {
    return this.#sender?.toRef();
  }

  reply(): void {}

  fail(): void {}
}

/** Someone waits for a reply. */
export function isAsk(delivery: Delivery | undefined): delivery is Delivery {
  return delivery !== undefined && delivery.deadlineMs !== Number.POSITIVE_INFINITY;
}
