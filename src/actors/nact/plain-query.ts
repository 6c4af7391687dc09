import { type AnyMethod, Lane, type MessageType, type Meta, type Ref } from '../../protocol/index.js';
import {
  type Caller,
  type CallChain,
  type Deadlines,
  type Delivery,
  answeredError,
  type OutgoingCall,
  PendingAsk,
} from '../kernel/index.js';

const anything: MessageType<unknown> = {
  typeName: 'millrace.nact.Answer',
  create: (init) => init,
  write: () => {},
  read: () => undefined,
};

const query: AnyMethod = {
  name: 'query',
  fullName: 'a query',
  mode: 'ask',
  lane: Lane.data,
  request: anything,
  response: anything,
};

/** An ask in nact's form: a dispatch to its reference answers it, also after the handler has returned. */
export class PlainQuery extends PendingAsk implements Delivery {
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly sizeBytes = 0;
  readonly reference: QueryReference;
  readonly #caller: Caller | undefined;
  readonly #asked: { readonly path: string };

  constructor(
    deadlines: Deadlines,
    asked: { readonly path: string },
    call: OutgoingCall,
    { systemName, id }: { readonly systemName: string; readonly id: number },
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlines, query, call.deadlineMs, undefined, resolve, reject);
    this.#asked = asked;
    this.chain = call.chain;
    this.meta = call.meta;
    this.#caller = call.caller;
    this.reference = new QueryReference(this, systemName, id);
  }

  get sender(): Ref | undefined {
    return this.#caller?.toRef();
  }

  override target(): string {
    return this.#asked.path;
  }

  override isAskedOf(path: string): boolean {
    return this.#asked.path === path;
  }

  protected override whyLate(): string {
    return 'its handler may be slower than timeoutMs, or may have stashed it';
  }

  /** Does nothing: the return value of the handler is not the answer. */
  reply(): void {}

  /** Settles the query. Further answers, and answers after the deadline, are ignored. */
  answer(value: unknown): void {
    this.resolve(value);
  }

  /** The actor that was asked failed with `cause`. */
  crash(cause: unknown): void {
    this.fail(answeredError(cause));
  }
}

/** The reference in nact's form that accepts the answer to a query. */
export class QueryReference {
  readonly type = 'temp';
  readonly id: number;
  readonly system: { readonly name: string };
  readonly #query: PlainQuery;

  constructor(pending: PlainQuery, systemName: string, id: number) {
    this.#query = pending;
    this.system = { name: systemName };
    this.id = id;
  }

  receive({ message }: { readonly message: unknown }): boolean {
    this.#query.answer(message);
    return true;
  }
}
