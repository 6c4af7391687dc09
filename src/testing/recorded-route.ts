import {
  type AskOptions,
  type LaterCall,
  replyOf,
  requestsIn,
  type Room,
  type Route,
  type SendOptions,
  type Stream,
  type StreamOptions,
  type UntypedRef,
} from '../actors/kernel/index.js';
import type { AnyMethod } from '../protocol/index.js';
import { AnsweredStream, streamOf } from './answered-stream.js';
import type { Asked, Effect } from './effects.js';

/** Answers an ask or a stream. `undefined`: the test answers the ask later. */
export type Answer = (method: AnyMethod, message: unknown) => unknown;

export type RecordedTarget = Pick<Route, 'cUid' | 'incarnation'>;

/** The route of references in a behavior test. It records messages and delivers them to nobody. */
export class RecordedRoute implements Route {
  readonly cUid: bigint;
  readonly incarnation: bigint;
  readonly #record: (effect: Effect) => void;
  readonly #answer: Answer;
  readonly #endsRequests: boolean;
  #self: UntypedRef | undefined;

  /** `endsRequests`: the source of a call's requests is told to stop when the call ends. */
  constructor(
    { cUid, incarnation }: RecordedTarget,
    record: (effect: Effect) => void,
    answer: Answer,
    endsRequests: boolean,
  ) {
    this.#endsRequests = endsRequests;
    this.cUid = cUid;
    this.incarnation = incarnation;
    this.#record = record;
    this.#answer = answer;
  }

  /** Sets the reference that uses this route. Effects contain it. */
  bind<R extends UntypedRef>(ref: R): R {
    this.#self = ref;
    return ref;
  }

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    this.#record({ kind: 'told', to: this.#to, method: method.name, message, meta: options?.meta });
    return true;
  }

  ask(method: AnyMethod, sent: unknown, options: AskOptions | undefined): Promise<unknown> {
    const message = this.#given(sent);
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        kind: 'asked',
        to: this.#to,
        method: method.name,
        message,
        meta: options?.meta,
        timeoutMs: options?.timeoutMs,
        reply: (value) => resolve(replyOf(method, value)),
        fail: reject,
      };
      this.#record(asked);
      const answer = this.#answer(method, message);
      if (answer !== undefined)
        Promise.resolve(answer)
          .then((value) => asked.reply(value))
          .catch(reject);
    });
  }

  stream(method: AnyMethod, sent: unknown, options: StreamOptions | undefined): Stream<unknown> {
    return new AnsweredStream(method, () => {
      const message = this.#given(sent);
      const { meta, timeoutMs, windowItems } = options ?? {};
      this.#record({ kind: 'opened', to: this.#to, method: method.name, message, meta, timeoutMs, windowItems });
      return this.#answer(method, message);
    });
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  get room(): Room {
    return 'free';
  }

  inherit(_method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return { options, byMs: undefined };
  }

  /** Does nothing: a watched actor terminates only when the test says so. */
  watch(): void {}

  unwatch(): void {}

  /** A message as its receiver gets it. */
  #given(sent: unknown): unknown {
    const requests = requestsIn(sent);
    return requests === undefined ? sent : streamOf(requests, this.#endsRequests);
  }

  get #to(): UntypedRef {
    if (this.#self === undefined) throw new Error('a recorded route is used before it has a reference');
    return this.#self;
  }
}
