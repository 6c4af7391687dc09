import type { AnyMethod } from '../../../protocol/index.js';
import type {
  AskOptions,
  AskTarget,
  AskWrapper,
  CallServices,
  LaterCall,
  ReadyOptions,
  WhenReadyOptions,
  WrappedAsk,
} from '../../kernel/index.js';
import { type CallsOfGroup, filledIn } from './group-calls.js';

/** The calls of a wrapped reference to a group. Closing it closes the reference that it wraps. */
export class WrappedGroupCalls implements CallsOfGroup {
  readonly #inner: CallsOfGroup;
  readonly #ask: WrappedAsk;

  constructor(inner: CallsOfGroup, wrapper: AskWrapper) {
    this.#inner = inner;
    const target: AskTarget = {
      name: `the group "${inner.name}"`,
      hasOthers: true,
      ask: async (method, message, options) => inner.call(method, message, options),
      inherit: (method, options) => inner.inherit(method, options),
    };
    this.#ask = wrapper(target, inner.services);
  }

  get name(): string {
    return this.#inner.name;
  }

  get services(): CallServices {
    return this.#inner.services;
  }

  call(method: AnyMethod, message: unknown, options: AskOptions | undefined): unknown {
    if (method.mode !== 'ask') return this.#inner.call(method, message, options);
    return this.#filledAsk(method, message, options);
  }

  ready(options?: ReadyOptions): Promise<void> {
    return this.#inner.ready(options);
  }

  tellWhenReady(method: AnyMethod, message: unknown, options: WhenReadyOptions | undefined): Promise<void> {
    return this.#inner.tellWhenReady(method, message, options);
  }

  inherit(method: AnyMethod, options: AskOptions | undefined): LaterCall {
    return this.#inner.inherit(method, options);
  }

  close(): void {
    this.#inner.close();
  }

  /** The caller may change the message between two attempts. */
  async #filledAsk(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    const filled = method.streamsRequests === true ? message : filledIn(method, message);
    return this.#ask(method, filled, options);
  }
}
