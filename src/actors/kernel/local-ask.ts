import { AskTimeoutError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { CallChain } from './call-chain.js';
import type { AskOptions, OutgoingCall, WaitingActor, WaitingAsk } from './call.js';
import type { AsyncContext, AsyncContexts } from './async-contexts.js';
import type { Deadlines } from './deadlines.js';
import type { Delivery } from './delivery.js';
import { replyOf } from './message-values.js';
import { PendingAsk } from './pending-ask.js';
import type { TraceContext } from './trace-context.js';

/** An ask within the partition: the pending ask is at the same time the delivery in the mailbox. */
export class LocalAsk extends PendingAsk implements Delivery, WaitingAsk {
  readonly sizeBytes = 0;
  readonly asyncContext: AsyncContext | undefined;
  private readonly call: OutgoingCall;
  readonly asked: WaitingActor;
  private hasTimedOut = false;

  constructor(
    { deadlines, contexts }: { readonly deadlines: Deadlines; readonly contexts: AsyncContexts },
    asked: WaitingActor,
    method: AnyMethod,
    call: OutgoingCall,
    options: AskOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlines, method, call.deadlineMs, options, resolve, reject);
    this.asked = asked;
    this.call = call;
    this.asyncContext = contexts.capture();
    call.caller?.asks(this);
  }

  get chain(): CallChain | undefined {
    return this.call.chain;
  }

  get meta(): Meta | undefined {
    return this.call.meta;
  }

  get trace(): TraceContext | undefined {
    return this.call.trace;
  }

  get sender(): Ref | undefined {
    return this.call.caller?.toRef();
  }

  override target(): string {
    return this.asked.path;
  }

  /** Resolves with the handler's result; fills in defaults. Stays pending, and throws ProtocolError, if that is no message. */
  reply(value: unknown): void {
    if (!this.isSettled) this.resolve(replyOf(this.method, value));
  }

  get isWaitedFor(): boolean {
    return !this.isSettled || this.hasTimedOut;
  }

  override expire(): void {
    this.hasTimedOut = true;
    const circle = this.circle();
    if (circle === undefined) return super.expire();
    this.fail(
      new AskTimeoutError(
        `${this.method.fullName} asked of ${this.asked.path} had no reply by its deadline: these actors ask one another and wait, ` +
          `so that none can answer: ${circle.join(' -> ')}. Answer with later(), or use a tell`,
      ),
    );
  }

  /** The paths of the actors that wait for one another behind this ask; undefined where none do, as far as is known here. */
  private circle(): readonly string[] | undefined {
    const waiting: WaitingActor[] = [];
    let actor: WaitingActor = this.asked;
    while (waiting.length <= limits.callChain) {
      const first = waiting.indexOf(actor);
      if (first >= 0) return [...waiting.slice(first), actor].map(({ path }) => path);
      const { isHeld, lastAsk } = actor;
      if (!isHeld || lastAsk?.isWaitedFor !== true) return undefined;
      waiting.push(actor);
      actor = lastAsk.asked;
    }
    return undefined;
  }
}
