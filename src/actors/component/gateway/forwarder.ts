import { AskTimeoutError, ConfigError, HandlerError, RefusedError, StoppedError } from '../../../errors.js';
import { isAsyncIterable } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { AnyMethod, AnyService, Meta, v1 } from '../../../protocol/index.js';
import {
  type Behavior,
  type Context,
  deadlineOf,
  PassedOn,
  type UntypedRef,
  untypedBehavior,
} from '../../kernel/index.js';
import { invoke, isOfContainers, withControl } from '../control-service.js';
import { passedOnError } from './passed-on-errors.js';

export interface ForwarderOptions {
  /** Name of the network of the container. */
  readonly network: string;
  /** The container, by a reference of that network. */
  readonly container: UntypedRef;
  /** Scheduler time after which nobody waits for a tell any more. */
  readonly untilMs: number;
  readonly log: Logger;
}

/**
 * What one caller is lent in place of a container of another network: it passes one request on, and its answer back. It is an actor of the network of the caller, in which the
 * container's own reference means nothing.
 */
export class Forwarder {
  readonly behavior: Behavior<AnyService, unknown>;
  readonly #options: ForwarderOptions;
  /** Ends the call that it has made. */
  readonly #ending = new AbortController();
  #hasBegun = false;
  #hasAnswered = false;
  /** Why the request was not passed on. */
  #failure: PassedOn | undefined;

  constructor(service: AnyService, options: ForwarderOptions) {
    this.#options = options;
    const own = withControl(service);
    const handlers: Readonly<Record<string, unknown>> = Object.fromEntries(
      Object.values(own.methods).map((method) => [method.name, this.#handlerFor(method)]),
    );
    this.behavior = untypedBehavior(own, { ...handlers, supervision: 'resume' });
  }

  /** The container has answered, so that it is free. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Ends the call that it has made, if that has not ended. */
  end(): void {
    this.#ending.abort();
  }

  #handlerFor(method: AnyMethod): (state: unknown, message: unknown, context: Context) => unknown {
    if (method.name === 'containerProbe') return () => this.#probed();
    if (isOfContainers(method.name) || method.streamsRequests === true) {
      return () => {
        throw new ConfigError(`${method.fullName} is not passed on to another network.`);
      };
    }
    switch (method.mode) {
      case 'tell':
        return (_state, message, { meta, scheduler }) => this.#tell(method, message, meta, scheduler.now());
      case 'ask':
        return (_state, message, context) => this.#ask(method, message, context);
      case 'stream':
        return (_state, message, { meta }) => this.#stream(method, message, meta);
    }
  }

  /** Handled behind the request, which has been passed on then. */
  #probed(): v1.ContainerProgressInit {
    if (this.#failure !== undefined) throw this.#failure;
    return { handled: this.#hasBegun ? 1n : 0n };
  }

  async #tell(method: AnyMethod, message: unknown, meta: Meta | undefined, nowMs: number): Promise<void> {
    this.#begin(method);
    try {
      const timeoutMs = this.#options.untilMs - nowMs;
      if (timeoutMs <= 0) throw new AskTimeoutError(`${method.fullName} was not sent: its deadline had passed.`);
      const { signal } = this.#ending;
      const waiting: unknown = Reflect.get(this.#options.container, 'whenReady');
      await invoke(waiting, method, message, { signal, ...(meta && { meta }), ...finite(timeoutMs) });
    } catch (error) {
      this.#failure = this.#passedOn(method, error);
      throw this.#failure;
    }
  }

  async #ask(method: AnyMethod, message: unknown, context: Context): Promise<unknown> {
    this.#begin(method);
    const { meta, scheduler, signal: caller } = context;
    const timeoutMs = deadlineOf(context) - scheduler.now();
    const gaveUp = (): void => this.end();
    caller.addEventListener('abort', gaveUp, { once: true });
    try {
      if (timeoutMs <= 0) throw new AskTimeoutError(`${method.fullName} was not sent: its deadline had passed.`);
      const { signal } = this.#ending;
      const reply = await invoke(this.#options.container, method, message, {
        signal,
        timeoutMs,
        ...(meta && { meta }),
      });
      this.#hasAnswered = true;
      return reply;
    } catch (error) {
      this.#hasAnswered = error instanceof HandlerError || error instanceof RefusedError;
      throw this.#passedOn(method, error);
    } finally {
      caller.removeEventListener('abort', gaveUp);
    }
  }

  /** It asks for an element when its own reader has asked for one: what is ahead of that reader is bounded by both windows. */
  async *#stream(
    method: AnyMethod,
    message: unknown,
    meta: Meta | undefined,
  ): AsyncGenerator<unknown, void, undefined> {
    this.#begin(method);
    try {
      const { signal } = this.#ending;
      // Its own reader has a deadline for each element.
      const options = { signal, timeoutMs: Number.POSITIVE_INFINITY, ...(meta && { meta }) };
      const stream = invoke(this.#options.container, method, message, options);
      if (isAsyncIterable(stream)) yield* stream;
    } catch (error) {
      throw this.#passedOn(method, error);
    }
  }

  /** The container is lent for one request. */
  #begin({ fullName }: AnyMethod): void {
    if (this.#hasBegun) {
      throw new PassedOn(
        new StoppedError(`${fullName} was not sent: its gateway has passed on another request before.`),
      );
    }
    this.#hasBegun = true;
  }

  #passedOn({ fullName }: AnyMethod, error: unknown): PassedOn {
    const { network, log } = this.#options;
    const passedOn = passedOnError(fullName, network, error);
    if (passedOn !== error) log.debug('a request that was passed on has failed', { rpc: fullName, network, error });
    return new PassedOn(passedOn);
  }
}

function finite(timeoutMs: number): { readonly timeoutMs?: number } {
  return timeoutMs < Number.POSITIVE_INFINITY ? { timeoutMs } : {};
}
