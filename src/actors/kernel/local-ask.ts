import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { CallChain } from './call-chain.js';
import type { AskOptions, OutgoingCall } from './call.js';
import type { AsyncContext, AsyncContexts } from './async-contexts.js';
import type { Deadlines } from './deadlines.js';
import type { Delivery } from './delivery.js';
import { PendingAsk } from './pending-ask.js';
import type { TraceContext } from './trace-context.js';

/** An ask within the partition: the pending ask is at the same time the delivery in the mailbox. */
export class LocalAsk extends PendingAsk implements Delivery {
  readonly sizeBytes = 0;
  readonly asyncContext: AsyncContext | undefined;
  private readonly call: OutgoingCall;
  private readonly asked: { readonly path: string };

  constructor(
    { deadlines, contexts }: { readonly deadlines: Deadlines; readonly contexts: AsyncContexts },
    asked: { readonly path: string },
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
}
