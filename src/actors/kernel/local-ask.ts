import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { CallChain } from './call-chain.js';
import type { AskOptions, OutgoingCall, WaitingActor, WaitingAsk } from './call.js';
import type { AsyncContext, AsyncContexts } from './async-contexts.js';
import type { Deadlines } from './deadlines.js';
import type { Delivery } from './delivery.js';
import { replyOf } from './message-values.js';
import { PendingAsk } from './pending-ask.js';
import type { TraceContext } from './trace-context.js';
import { waitingCycle } from './waiting-cycle.js';

/** An ask within the partition: the pending ask is at the same time the delivery in the mailbox. */
export class LocalAsk extends PendingAsk implements Delivery, WaitingAsk {
  readonly sizeBytes = 0;
  readonly asyncContext: AsyncContext | undefined;
  /** Undefined for an ask without options from outside the actors, which inherits nothing. */
  readonly #call: OutgoingCall | undefined;
  readonly asked: WaitingActor;
  #hasTimedOut = false;

  constructor(
    { deadlines, contexts }: { readonly deadlines: Deadlines; readonly contexts: AsyncContexts },
    asked: WaitingActor,
    method: AnyMethod,
    call: OutgoingCall | undefined,
    deadlineMs: number,
    options: AskOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlines, method, deadlineMs, options, resolve, reject);
    this.asked = asked;
    this.#call = call;
    this.asyncContext = contexts.capture();
    call?.caller?.asks(this);
  }

  get chain(): CallChain | undefined {
    return this.#call?.chain;
  }

  get meta(): Meta | undefined {
    return this.#call?.meta;
  }

  get trace(): TraceContext | undefined {
    return this.#call?.trace;
  }

  get sender(): Ref | undefined {
    return this.#call?.caller?.toRef();
  }

  override target(): string {
    return this.asked.path;
  }

  override isAskedOf(path: string): boolean {
    return this.asked.path === path;
  }

  /** Resolves with the handler's result; fills in defaults. Stays pending, and throws ProtocolError, if that is no message. */
  reply(value: unknown): void {
    if (!this.isSettled) this.resolve(replyOf(this.method, value));
  }

  get isWaitedFor(): boolean {
    return !this.isSettled || this.#hasTimedOut;
  }

  override expire(): void {
    this.#hasTimedOut = true;
    super.expire();
  }

  protected override whyLate(): string {
    const cycle = waitingCycle(this.asked);
    if (cycle !== undefined) {
      return `these actors wait for one another, so that none can answer: ${cycle.join(' -> ')}. Answer with later(), or use a tell`;
    }
    if (this.asked.hasStashed(this))
      return 'the actor has stashed it (ctx.stash), and has not called ctx.unstashAll() since';
    return LATE[this.asked.placeOf(this)];
  }
}

const LATE = {
  mailbox:
    'it still waits in the mailbox, behind what the actor has not handled yet. millrace explain says what that waits for',
  handler: 'its handler has begun, and has not ended: it may be slower than timeoutMs',
  unknown: 'its handler may be slower than timeoutMs',
} as const;
