import type { MillraceError } from '../../errors.js';
import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { AsyncContext } from './async-contexts.js';
import type { CallChain } from './call-chain.js';
import type { Deadlines } from './deadlines.js';
import type { TraceContext } from './trace-context.js';

/**
 * Why no actor handles a tell. `not taken`: this process has stopped, and the process of the actor had not taken the tell within `linkLingerMs`. `malformed`: the process of
 * the actor could not decode the message.
 */
export type DeadLetterReason = 'stopped' | 'unreachable' | 'overflow' | 'unknown method' | 'not taken' | 'malformed';

/** Why a tell from a link is reported to the process of its sender. What a behavior drops (`overflow`) is reported where it is dropped. */
export type ReturnReason = Extract<DeadLetterReason, 'stopped' | 'unreachable' | 'unknown method' | 'malformed'>;

/** The actor that a tell was for. */
export interface Addressee {
  readonly cUid: bigint;
  readonly path: string;
}

/** The link that a message arrived over. */
export interface MessageLink {
  readonly isOpen: boolean;
  /** What the peer has said of itself; undefined until it has. */
  readonly peer: LinkPeer | undefined;
  /** Whether the peer is a partition of this process. */
  readonly kinship: { readonly isProven: boolean };
}

/** The partition at the other end of a link. */
export interface LinkPeer {
  readonly address: string;
  /** Of its process. */
  readonly incarnation: bigint;
  /** Undefined until it has joined a control plane. */
  readonly ordinal?: number | undefined;
}

/** The data of a message besides its content; a tell without any has none. Created by a local call, or by the router for a message from a link. */
export interface Delivery {
  /** Scheduler time after which the request is not executed; `Infinity` for a tell, which distinguishes it from an ask. */
  readonly deadlineMs: number;
  /** The chain of callers that wait for this reply. */
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly sender: Ref | undefined;
  /** Memory of a message from a link, in bytes; 0 for a local message. */
  readonly sizeBytes: number;
  readonly trace?: TraceContext | undefined;
  /** Identifies the link that the message arrived over; undefined for one from this partition. */
  readonly link?: MessageLink | undefined;
  /** The context of the sender, for its AsyncLocalStorages; only of a message from this partition. */
  readonly asyncContext?: AsyncContext | undefined;
  /** A step of a stream that the actor serves, or of a handler that reads a stream of requests. */
  readonly isOfStream?: boolean;
  /** It is in the mailbox as the next step of a message that was accepted before. */
  readonly isPull?: boolean;
  /** Answers an ask with the handler's result; the receiver fills defaults with `method.response.create`. */
  reply(value: unknown): void;
  fail(error: MillraceError): void;
  /** Of an ask: its caller waits for the reply. False when it was answered, was aborted, is past its deadline, or its link has ended. */
  readonly isAwaited?: boolean;
  /** Only of an ask: calls `ended` once, when nobody waits for the reply any more; at once where that is so already. */
  whenEnded?(ended: (cause: MillraceError | undefined) => void, deadlines: Deadlines): void;
  /**
   * Only of a tell from a link: reports to the process of its sender that no actor handles it. False when the link has ended, so that the
   * process cannot be told.
   */
  giveBack?(addressee: Addressee, method: AnyMethod, message: unknown, reason: ReturnReason): boolean;
}

/** The sender of a delivery. */
export interface Sender {
  toRef(): Ref;
}

/** The delivery of a tell from an actor of this partition: its sender, and possibly meta and trace context. */
export class TellDelivery implements Delivery {
  readonly deadlineMs = Number.POSITIVE_INFINITY;
  readonly chain = undefined;
  readonly sizeBytes = 0;
  readonly meta: Meta | undefined;
  readonly trace: TraceContext | undefined;
  readonly asyncContext: AsyncContext | undefined;
  readonly #sender: Sender | undefined;

  constructor(sender: Sender | undefined, meta: Meta | undefined, trace?: TraceContext, asyncContext?: AsyncContext) {
    this.#sender = sender;
    this.meta = meta;
    this.trace = trace;
    this.asyncContext = asyncContext;
  }

  get sender(): Ref | undefined {
    return this.#sender?.toRef();
  }

  reply(): void {}

  fail(): void {}
}

/** True when a caller waits for a reply. */
export function isAsk(delivery: Delivery | undefined): delivery is Delivery {
  return delivery !== undefined && delivery.deadlineMs !== Number.POSITIVE_INFINITY;
}
