import type { AsyncLocalStorage } from 'node:async_hooks';
import { isAsyncIterable, promiseOf } from '../foreign.js';
import {
  type AnyBehavior,
  type Context,
  type Handler,
  laterReply,
  later,
  type Lifecycle,
  Requests,
  type Stream,
  type UntypedRef,
} from '../actors/kernel/index.js';
import type { Making } from '../actors/runtime/index.js';
import type { AnyMethod } from '../protocol/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import type { Scheduler } from '../scheduler/index.js';
import { argsRecord } from './recorded-args.js';
import { RecordedContext } from './recorded-context.js';
import { isStream, RecordedReading, RecordedServing, RecordedSource } from './recorded-streams.js';
import { errorRecord, messageBytes, requestBytes, valueRecord } from './records.js';

type Event = v1.RecordedEventInit['event'];

export interface RecordedActorOptions {
  readonly number: number;
  readonly path: string;
  /** Undefined: it is not placed. */
  readonly making: Making | undefined;
  /** The actor whose code is running. */
  readonly currentActor: AsyncLocalStorage<RecordedActor>;
  readonly emit: (event: v1.RecordedEventInit) => void;
}

/** One recorded actor. It wraps the behavior, to record all inputs and actions. */
export class RecordedActor {
  readonly #options: RecordedActorOptions;
  #scheduler: Scheduler | undefined;
  #context: RecordedContext | undefined;
  /** Counts the starts. Late replies to an earlier incarnation are not recorded. */
  #incarnation = 0;
  #messages = 0;
  #asks = 0;
  #streams = 0;
  /** Calls whose requests it sends. */
  #sources = 0;
  /** Number of the ask that it handles; undefined for any other message, whose signal is never aborted. */
  #ask: number | undefined;
  /** Signals of asks that handlers have used. */
  readonly #signals = new WeakSet<AbortSignal>();

  constructor(options: RecordedActorOptions) {
    this.#options = options;
  }

  /** Wraps `inner`. */
  behavior(inner: AnyBehavior): AnyBehavior {
    return {
      ...inner,
      createState: (ctx, args) => {
        const context = this.#begin(ctx, args);
        return this.runCode(() => inner.createState?.(context, args));
      },
      handlers: new Map(Array.from(inner.handlers, ([method, handler]) => [method, this.#handler(method, handler)])),
      on: this.#hooks(inner.on),
    };
  }

  /** Does not add `terminated` or `idle` if the behavior has none: the kernel checks whether they exist. */
  #hooks(on: Lifecycle<unknown>): Lifecycle<unknown> {
    return {
      started: (state, ctx) => this.runCode(() => on.started?.(state, this.#in(ctx))),
      stopping: (state, ctx, ending) => {
        this.log({ case: 'stopping', value: {} });
        return this.runCode(() => on.stopping?.(state, this.#in(ctx), ending));
      },
      ...(on.terminated !== undefined && {
        terminated: (state, event, ctx) => {
          this.log({ case: 'terminated', value: { ref: event.ref.toRef(), reason: event.reason } });
          return this.runCode(() => on.terminated?.(state, event, this.#in(ctx)));
        },
      }),
      ...(on.idle !== undefined && {
        idle: (state, ctx) => {
          this.log({ case: 'idle', value: {} });
          return this.runCode(() => on.idle?.(state, this.#in(ctx)));
        },
      }),
    };
  }

  log(event: Event): void {
    const atMs = this.#scheduler?.now() ?? 0;
    this.#options.emit({ actor: this.#options.number, atMs, event });
  }

  /** Runs code of the actor outside a message handler, and records a failure. */
  runCode<Result>(code: () => Result): Result {
    const failed = (error: unknown): never => {
      this.log({ case: 'stopped', value: { error: errorRecord(error) } });
      throw error;
    };
    try {
      const result = this.#options.currentActor.run(this, code);
      promiseOf(result)
        ?.catch(failed)
        .catch(() => {});
      return result;
    } catch (error) {
      return failed(error);
    }
  }

  /** A handler uses the signal of its message: its abort is an input. */
  used(signal: AbortSignal): AbortSignal {
    const message = this.#ask;
    if (message === undefined || this.#signals.has(signal)) return signal;
    this.#signals.add(signal);
    const life = this.#incarnation;
    const aborted = (): void => {
      const error = errorRecord(signal.reason);
      if (life === this.#incarnation) this.log({ case: 'aborted', value: { message, error } });
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    return signal;
  }

  onTell(to: UntypedRef, method: AnyMethod, message: unknown): void {
    const value = messageBytes(method.request, message);
    this.log({ case: 'told', value: { to: to.toRef(), method: method.fullName, value } });
  }

  onAsk(to: UntypedRef, method: AnyMethod, message: unknown, reply: Promise<unknown>): void {
    const ask = this.#asks++;
    const life = this.#incarnation;
    const value = requestBytes(method, message);
    this.log({ case: 'asked', value: { to: to.toRef(), method: method.fullName, value } });
    this.#sent(message);
    const answered = (result: NonNullable<v1.RecordedAnswerInit['result']>): void => {
      if (life === this.#incarnation) this.log({ case: 'answer', value: { ask, result } });
    };
    reply.then(
      (answer) => answered(valueRecord(method.response, answer)),
      (error: unknown) => answered({ case: 'error', value: errorRecord(error) }),
    );
  }

  /** Wraps the source of the requests of a call that is about to be made. */
  onRequests(method: AnyMethod, source: unknown): unknown {
    const life = this.#incarnation;
    const log = (event: Event): void => {
      if (life === this.#incarnation) this.log(event);
    };
    let requests: Requests;
    try {
      requests = new Requests(method, source);
    } catch {
      // The call refuses it, too.
      return source;
    }
    return new RecordedSource(requests, (stream) => ({
      // A source runs beside its actor. What follows from one step must be recorded before the next input, as in a replay.
      turn: () => this.#turn(),
      pulled: () => log({ case: 'requestPulled', value: stream }),
      cancelled: () => log({ case: 'requestsCancelled', value: stream }),
      run: (code) => this.#options.currentActor.run(this, code),
      yielded: (result) => log({ case: 'requestYielded', value: { stream, result } }),
      valueOf: (value) => valueRecord(method.request, value),
    }));
  }

  async #turn(): Promise<void> {
    const scheduler = this.#scheduler;
    if (scheduler !== undefined) await new Promise<void>((resolve) => scheduler.scheduleYield(resolve));
  }

  /** The call was made that carries this message. */
  #sent(message: unknown): void {
    if (message instanceof RecordedSource) message.number = this.#sources++;
  }

  onStream(to: UntypedRef, method: AnyMethod, message: unknown, stream: Stream<unknown>): Stream<unknown> {
    const opened = (): number => {
      const value = requestBytes(method, message);
      this.log({ case: 'opened', value: { to: to.toRef(), method: method.fullName, value } });
      this.#sent(message);
      return this.#streams++;
    };
    return this.#reading(stream, opened, method.response);
  }

  #begin(ctx: Context, args: unknown): Context {
    this.#incarnation += 1;
    this.#messages = 0;
    this.#asks = 0;
    this.#streams = 0;
    this.#sources = 0;
    this.#scheduler = ctx.scheduler;
    this.#context = new RecordedContext(ctx, this);
    const { path, making } = this.#options;
    const { name = '', url = '' } = making?.component ?? {};
    const component = making && { name, url, args: making.args };
    this.log({ case: 'start', value: { path, ref: ctx.self.toRef(), ...argsRecord(args), component } });
    return this.#context;
  }

  #in(ctx: Context): Context {
    return this.#context ?? ctx;
  }

  #handler(method: AnyMethod, handler: Handler): Handler {
    return (state, message, ctx) => {
      const number = this.#messages++;
      this.#ask = method.mode === 'ask' ? number : undefined;
      const { meta = {}, sender } = ctx;
      const value = requestBytes(method, message);
      this.log({ case: 'message', value: { number, method: method.fullName, value, meta, sender } });
      const life = this.#incarnation;
      const ended = (result: NonNullable<v1.RecordedOutcomeInit['result']>): void => {
        if (life === this.#incarnation) this.log({ case: 'outcome', value: { message: number, result } });
      };
      const replied = <Value>(reply: Value): Value => {
        ended(
          method.mode === 'ask' ? valueRecord(method.response, reply) : { case: 'value', value: new Uint8Array(0) },
        );
        return reply;
      };
      const failed = (error: unknown): never => {
        ended({ case: 'error', value: errorRecord(error) });
        throw error;
      };
      const given = method.streamsRequests === true && isStream(message) ? this.#requests(method, message) : message;
      const run = (): unknown => handler(state, given, this.#in(ctx));
      return method.mode === 'stream' ? this.#served(method, number, run) : this.#outcome(run, replied, failed);
    };
  }

  /** Wraps the requests of a call, as the handler reads them. */
  #requests(method: AnyMethod, requests: Stream<unknown>): Stream<unknown> {
    return this.#reading(requests, () => this.#streams++, method.request);
  }

  #reading(stream: Stream<unknown>, opened: () => number, type: AnyMethod['request']): Stream<unknown> {
    const life = this.#incarnation;
    return new RecordedReading(stream, {
      opened,
      received: (element) => {
        if (life === this.#incarnation) this.log({ case: 'element', value: element });
      },
      closed: (number) => {
        if (life === this.#incarnation) this.log({ case: 'closed', value: number });
      },
      valueOf: (value) => valueRecord(type, value),
    });
  }

  /** Wraps the generator of a streaming rpc: each step runs as code of the actor. */
  #served(method: AnyMethod, number: number, run: () => unknown): unknown {
    const stream = this.#options.currentActor.run(this, run);
    if (!isAsyncIterable(stream)) return stream;
    const life = this.#incarnation;
    return new RecordedServing(stream, {
      pulled: () => this.log({ case: 'pulled', value: number }),
      cancelled: () => this.log({ case: 'cancelled', value: number }),
      run: (code) => this.#options.currentActor.run(this, code),
      yielded: (result) => {
        if (life === this.#incarnation) this.log({ case: 'yielded', value: { stream: number, result } });
      },
      valueOf: (value) => valueRecord(method.response, value),
    });
  }

  #outcome(run: () => unknown, replied: <Value>(reply: Value) => Value, failed: (error: unknown) => never): unknown {
    let result: unknown;
    try {
      result = this.#options.currentActor.run(this, run);
    } catch (error) {
      return failed(error);
    }
    const work = promiseOf(result);
    if (work !== undefined) return work.then(replied, failed);
    const reply = laterReply(result);
    if (reply !== undefined) return later(reply.then(replied, failed));
    return replied(result);
  }
}
