import {
  type ActorRef,
  type AnyBehavior,
  type Behavior,
  type CallArguments,
  checkArgs,
  laterReply,
  replyOf,
  Requests,
  type RequestSource,
  type SpawnArguments,
  type TerminationReason,
  type UntypedRef,
} from '../actors/kernel/index.js';
import { AskAbortedError, AskTimeoutError, ConfigError, StoppedError } from '../errors.js';
import type { LogRecord } from '../logging/index.js';
import type {
  AnyMethod,
  AnyService,
  AskMethod,
  Method,
  Mode,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from '../protocol/index.js';
import { ManualScheduler } from '../scheduler/index.js';
import { elementsOf, streamOf } from './answered-stream.js';
import { type Answers, answer, type UntypedAnswers } from './answers.js';
import type { Effect } from './effects.js';
import { EffectsContext, type MessageFields, NEVER } from './effects-context.js';

/** The value from which a request of this rpc can be made: fields with defaults may be absent. Or a source of them, for a stream. */
export type RequestInitOf<M> =
  M extends Method<Mode, infer _Request, infer RequestInit, infer _Response, infer _ResponseInit>
    ? M extends StreamsRequests
      ? RequestSource<RequestInit>
      : RequestInit
    : never;

/** The result of handling one message. */
export type Handled<M> =
  M extends TellMethod<infer _Request, infer _RequestInit>
    ? Promise<void>
    : M extends AskMethod<infer _Request, infer _RequestInit, infer Response, infer _ResponseInit>
      ? Promise<Response>
      : M extends StreamMethod<infer _Request, infer _RequestInit, infer Response, infer _ResponseInit>
        ? AsyncIterable<Response>
        : never;

/** One behavior, running alone: it receives messages and returns effects. Made by `testBehavior`. */
export interface BehaviorTest<S extends AnyService, State> {
  readonly state: State;
  /** The records that the behavior wrote to `ctx.log`. */
  readonly log: readonly LogRecord[];
  /** Returns the effects since the last call. */
  takeEffects(): readonly Effect[];
  /**
   * Runs the handler of one rpc at once, and resolves to its reply with defaults filled in. Rejects with the error of the handler:
   * supervision does not run here. A request without fields may be left out. Throws ConfigError for a name that is not an rpc.
   */
  handle<K extends keyof S['methods'] & string>(
    name: K,
    ...request: CallArguments<RequestInitOf<S['methods'][K]>, MessageFields>
  ): Handled<S['methods'][K]>;
  /** Reports that a watched actor has terminated, and awaits `on.terminated`. Rejects with ConfigError if it is not watched. */
  terminated(ref: UntypedRef, reason?: TerminationReason): Promise<void>;
  /** Runs `on.idle` and awaits it. `advance` does not run it: here an idle timeout is only an effect. */
  idle(): Promise<void>;
  /** Advances time. Runs the timers that are due, in order, and awaits their results. Rejects with the error of a timer. */
  advance(ms: number): Promise<void>;
  /** Stops the actor: cancels its timers, and runs `on.stopping`. */
  stop(): Promise<void>;
  /**
   * Makes a reference without an actor behind it. Tells and asks to it are effects. `answers` replies to asks; an ask without an answer
   * waits for `reply` or `fail` of its effect.
   */
  probe<T extends AnyService>(service: T, answers?: Answers<T>): ActorRef<T>;
}

/** Options of `testBehavior`, besides `args`. */
export interface BehaviorTestOptions {
  /** Last part of the actor's path. Default `actor`. */
  readonly name?: string;
  /** Of the random numbers of `ctx.scheduler`. Default 1. */
  readonly seed?: number;
}

/**
 * Runs a behavior as a pure function: without a runtime and other actors, on time that the test advances. Creates its state, and runs
 * `on.started`.
 *
 *     const test = await testBehavior(pricing);
 *     await test.handle('observe', { symbol: 'ACME', price: 12.5 });
 *     expect(await test.handle('quote', { symbol: 'ACME' })).to.deep.equal({ price: 12.5 });
 *     expect(test.takeEffects()).to.deep.equal([]);
 *
 * `args` go to `state` of the behavior, as those of a spawn: `testBehavior(account, { args: { limit: 500 } })`. Rejects with ConfigError when
 * they are missing or not taken.
 */
export async function testBehavior<S extends AnyService, State, Args>(
  behavior: Behavior<S, State, Args>,
  ...options: SpawnArguments<NoInfer<Args>, BehaviorTestOptions>
): Promise<BehaviorTest<S, State>>;
export async function testBehavior(
  behavior: AnyBehavior,
  options: BehaviorTestOptions & { readonly args?: unknown } = {},
): Promise<unknown> {
  const { name = 'actor', seed = 1 } = options;
  checkArgs(behavior, options);
  const run = new BehaviorRun(behavior, name, seed);
  await run.start(options.args);
  return run;
}

class BehaviorRun {
  readonly #behavior: AnyBehavior;
  readonly #scheduler: ManualScheduler;
  readonly #context: EffectsContext;
  #effects: Effect[] = [];
  /** Messages stashed so far. */
  #stashed = 0;

  constructor(behavior: AnyBehavior, name: string, seed: number) {
    let lastCUid = 1n;
    let children = 0;
    this.#behavior = behavior;
    this.#scheduler = new ManualScheduler({ seed });
    this.#context = new EffectsContext(behavior, {
      path: `test/${name}`,
      selfCUid: lastCUid,
      incarnation: 0n,
      scheduler: this.#scheduler,
      record: (effect) => {
        this.#effects.push(effect);
        if (effect.kind === 'stashed') this.#stashed++;
      },
      nextCUid: () => (lastCUid += 1n),
      nextName: ({ typeName }) => `${typeName}-${children++}`,
    });
  }

  async start(args: unknown): Promise<void> {
    this.#context.createState(args);
    await this.#behavior.on.started?.(this.state, this.#context);
  }

  get state(): unknown {
    return this.#context.state;
  }

  get log(): readonly LogRecord[] {
    return this.#context.records;
  }

  takeEffects(): readonly Effect[] {
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }

  handle(name: string, request?: unknown, fields: MessageFields = {}): unknown {
    const method = this.#behavior.service.methods[name];
    if (method === undefined) throw new ConfigError(`${this.#behavior.service.typeName} has no rpc ${name}`);
    return method.mode === 'stream' ? this.#stream(method, request, fields) : this.#reply(method, request, fields);
  }

  async terminated(ref: UntypedRef, reason: TerminationReason = 'stopped'): Promise<void> {
    const watched = this.#context.takeWatched(ref.toRef().cUid);
    if (watched === undefined) throw new ConfigError(`${ref.service.typeName} is not watched`);
    await this.#behavior.on.terminated?.(this.state, { ref: watched, reason }, this.#context);
  }

  async idle(): Promise<void> {
    await this.#behavior.on.idle?.(this.state, this.#context);
  }

  async advance(ms: number): Promise<void> {
    this.#scheduler.advance(ms);
    await Promise.all(this.#context.takeTurns());
  }

  async stop(): Promise<void> {
    this.#context.clearTimers();
    await this.#behavior.on.stopping?.(this.state, this.#context, { reason: 'stopped' });
  }

  probe<T extends AnyService>(service: T, answers: UntypedAnswers = {}): ActorRef<T> {
    return this.#context.probe(service, (method, request) => answer(answers, method, request));
  }

  async #reply(method: AnyMethod, request: unknown, fields: MessageFields): Promise<unknown> {
    const stashed = this.#stashed;
    const message = messageOf(method, request);
    const waiting = method.mode === 'ask' ? this.#waiting(method, fields) : undefined;
    try {
      // An async handler may return what `later` made, too.
      const result = await this.#run(method, message, fields, waiting?.signal);
      const reply = await (laterReply(result) ?? result);
      if (method.mode === 'tell') return undefined;
      // A stashed ask has no reply yet.
      return this.#stashed > stashed ? method.response.create() : replyOf(method, reply);
    } finally {
      endRequests(message);
      waiting?.answered();
    }
  }

  /** The caller of an ask, which waits for its reply. */
  #waiting({ fullName }: AnyMethod, { signal, timeoutMs }: MessageFields) {
    const controller = new AbortController();
    const scheduler = this.#scheduler;
    const gaveUp = (): void =>
      controller.abort(new AskAbortedError(`${fullName} was aborted by its caller.`, { cause: signal?.reason }));
    const late = (): void => controller.abort(new AskTimeoutError(`${fullName}: no reply within ${timeoutMs} ms.`));
    const timer = timeoutMs === undefined ? undefined : scheduler.setTimer(timeoutMs, late);
    signal?.addEventListener('abort', gaveUp, { once: true });
    if (signal?.aborted === true) gaveUp();
    return {
      signal: controller.signal,
      answered: (): void => {
        signal?.removeEventListener('abort', gaveUp);
        if (timer !== undefined) scheduler.clearTimer(timer);
        controller.abort(new StoppedError('the ask was answered'));
      },
    };
  }

  async *#stream(method: AnyMethod, request: unknown, fields: MessageFields): AsyncGenerator {
    const message = messageOf(method, request);
    try {
      yield* elementsOf(method, this.#run(method, message, fields));
    } finally {
      endRequests(message);
    }
  }

  #run(method: AnyMethod, message: unknown, { meta, sender }: MessageFields, signal = NEVER): unknown {
    const handler = this.#behavior.handlers.get(method);
    const sent = { ...(meta === undefined ? {} : { meta }), sender: sender?.toRef(), signal: () => signal };
    return this.#context.during(sent, () => handler?.(this.state, received(message), this.#context));
  }
}

function messageOf(method: AnyMethod, request: unknown): unknown {
  return method.streamsRequests === true ? new Requests(method, request) : method.request.create(request);
}

/** The message as the handler gets it. */
function received(message: unknown): unknown {
  return message instanceof Requests ? streamOf(message, true) : message;
}

/** The call has ended, and with it the source of its requests. */
function endRequests(message: unknown): void {
  if (message instanceof Requests) message.close(undefined);
}
