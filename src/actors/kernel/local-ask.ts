import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { CallChain } from './call-chain.js';
import type { AskOptions, Caller, OutgoingCall } from './call.js';
import type { Deadlines } from './deadlines.js';
import type { Delivery } from './delivery.js';
import { PendingAsk } from './pending-ask.js';

/** An ask within the partition: what waits for the reply is at the same time what lies in the mailbox. */
export class LocalAsk extends PendingAsk implements Delivery {
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly sizeBytes = 0;
  private readonly caller: Caller | undefined;
  private readonly asked: { readonly path: string };

  constructor(
    deadlines: Deadlines,
    asked: { readonly path: string },
    method: AnyMethod,
    call: OutgoingCall,
    options: AskOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlines, method, call.deadlineMs, options, resolve, reject);
    this.asked = asked;
    this.chain = call.chain;
    this.meta = call.meta;
    this.caller = call.caller;
  }

  get sender(): Ref | undefined {
    return this.caller?.toRef();
  }

  override target(): string {
    return this.asked.path;
  }
}
