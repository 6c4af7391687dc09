import { type AnyBehavior, laterReply } from '../actors/kernel/index.js';
import { fromWire } from '../protocol/errors/index.js';
import { ProtocolError } from '../errors.js';
import { errorOf, isAsyncIterable, promiseOf } from '../foreign.js';
import { type AnyMethod, decode, type Ref } from '../protocol/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import { type Asked, type Effect, EffectsContext } from '../testing/index.js';
import { RecordedServing, type StepResult } from './recorded-streams.js';
import { errorRecord, requestBytes, valueRecord } from './records.js';
import { ReplayedElements } from './replayed-elements.js';
import type { ReplayedScheduler } from './replayed-scheduler.js';

/** The payload of an event of any kind. */
export type EventPayload = v1.RecordedEvent['event'];
/** The same, before defaults are filled in. */
export type EventPayloadInit = NonNullable<v1.RecordedEventInit['event']>;

/** One incarnation of a replayed actor or segment: from one start to the next. */
export interface Incarnation {
  start(): void;
  /** Delivers one input. Throws ProtocolError for an input that it cannot receive. */
  deliver(event: EventPayload): void;
}

/** One incarnation of an actor, running alone. It receives the recorded inputs and reports its actions. */
export class ReplayedActor implements Incarnation {
  readonly #behavior: AnyBehavior;
  readonly #context: EffectsContext;
  readonly #args: unknown;
  readonly #asks: Asked[] = [];
  /** Streams that it serves, by the number of the opening message. */
  readonly #served = new Map<number, RecordedServing>();
  /** Streams that it reads, in the order of their opening. */
  readonly #read: ReplayedElements[] = [];
  /** Sources of the requests that it sends, in the order of their calls. */
  readonly #sources: RecordedServing[] = [];
  /** Those of its asks, and of the streams that it reads, by number. */
  readonly #sourceOfAsk = new Map<number, RecordedServing>();
  readonly #sourceOfStream = new Map<number, RecordedServing>();
  readonly #done: (event: EventPayloadInit) => void;
  #timersSet = new Map<unknown, number>();
  /** Of the messages whose handlers have used their signals, by their numbers. */
  readonly #aborts = new Map<number, AbortController>();

  /**
   * `args` are those of its spawn. `children`: the children of the recorded incarnation, in order. `done` receives every action.
   */
  constructor(
    behavior: AnyBehavior,
    args: unknown,
    start: v1.RecordedStart,
    children: readonly v1.RecordedChild[],
    scheduler: ReplayedScheduler,
    done: (event: EventPayloadInit) => void,
  ) {
    const names = children.map(({ name }) => name);
    const refs = children.map(({ ref }) => ref?.cUid ?? 0n);
    this.#behavior = behavior;
    this.#args = args;
    this.#done = done;
    this.#context = new EffectsContext(behavior, {
      path: start.path,
      selfCUid: start.ref?.cUid ?? 0n,
      incarnation: start.ref?.incarnation ?? 0n,
      scheduler,
      record: (effect) => this.#onEffect(effect),
      elements: (method) => {
        const number = this.#read.length;
        const elements = new ReplayedElements(method.response, () => this.#done({ case: 'closed', value: number }));
        this.#read.push(elements);
        return elements;
      },
      endsRequests: false,
      wrapsAsks: false,
      nextCUid: () => refs.shift() ?? 0n,
      nextName: ({ typeName }) => names.shift() ?? typeName,
    });
  }

  start(): void {
    this.#guard(() => {
      this.#context.createState(this.#args);
      return this.#behavior.on.started?.(this.#context.state, this.#context);
    });
  }

  deliver(event: EventPayload): void {
    switch (event.case) {
      case 'message':
        return this.#handle(event.value);
      case 'answer':
        return this.#answer(event.value);
      case 'timerFired': {
        const callback = this.#context.timerCallback(event.value);
        if (callback === undefined)
          throw new ProtocolError(`timer ${event.value} fired, but the replay has not set it`);
        return this.#guard(callback);
      }
      case 'terminated': {
        const { ref: recorded, reason } = event.value;
        const ref = this.#context.takeWatched(recorded?.cUid ?? 0n);
        if (ref === undefined) {
          throw new ProtocolError(
            `an actor of ${recorded?.service ?? 'no service'} terminated, but the replay does not watch it`,
          );
        }
        const isKnown = reason === 'unreachable' || reason === 'failed';
        const termination = { ref, reason: isKnown ? reason : 'stopped' } as const;
        return this.#guard(() => this.#behavior.on.terminated?.(this.#context.state, termination, this.#context));
      }
      case 'idle':
        return this.#guard(() => this.#behavior.on.idle?.(this.#context.state, this.#context));
      case 'pulled':
        return this.#pull(event.value);
      case 'cancelled':
        return this.#guard(() => this.#served.get(event.value)?.return?.());
      case 'element':
        return this.#onElement(event.value);
      case 'requestPulled':
        return this.#pullRequest(event.value);
      case 'requestsCancelled':
        return this.#guard(() => this.#sources[event.value]?.return());
      case 'aborted':
        return this.#abort(event.value);
      case 'stopping':
        return this.#guard(() =>
          this.#behavior.on.stopping?.(this.#context.state, this.#context, { reason: 'stopped' }),
        );
      default:
        throw new ProtocolError(`${event.case ?? 'nothing'} is not an input of an actor`);
    }
  }

  /** Runs code of the actor outside a message handler. A failure is an action. */
  #guard(code: () => unknown): void {
    const failed = (error: unknown): void => this.#done({ case: 'stopped', value: { error: errorRecord(error) } });
    try {
      const result = code();
      promiseOf(result)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #handle({ number, method: name, value, meta, sender }: v1.RecordedMessage): void {
    const method = this.#method(name);
    const message = method.streamsRequests === true ? this.#context.requests(method) : decode(method.request, value);
    const ended = (result: NonNullable<v1.RecordedOutcomeInit['result']>): void =>
      this.#done({ case: 'outcome', value: { message: number, result } });
    const replied = (reply: unknown): void =>
      ended(method.mode === 'ask' ? valueRecord(method.response, reply) : { case: 'value', value: new Uint8Array(0) });
    const failed = (error: unknown): void => ended({ case: 'error', value: errorRecord(error) });
    const handler = this.#behavior.handlers.get(method);
    try {
      const signal = (): AbortSignal => this.#abortOf(number).signal;
      const fields = { meta, signal, ...(sender === undefined ? {} : { sender }) };
      const result = this.#context.during(fields, () => handler?.(this.#context.state, message, this.#context));
      const reply = promiseOf(result) ?? laterReply(result);
      if (method.mode === 'stream') this.#serve(method, number, result);
      else if (reply === undefined) replied(result);
      else reply.then(replied, failed);
    } catch (error) {
      failed(error);
    }
  }

  #abortOf(number: number): AbortController {
    const controller = this.#aborts.get(number) ?? new AbortController();
    this.#aborts.set(number, controller);
    return controller;
  }

  #abort({ message, error }: v1.RecordedAbort): void {
    const controller = this.#abortOf(message);
    this.#aborts.delete(message);
    controller.abort(error === undefined ? undefined : fromWire(error));
  }

  #serve(method: AnyMethod, number: number, stream: unknown): void {
    if (!isAsyncIterable(stream))
      throw new ProtocolError(`the handler of ${method.fullName} no longer returns a stream`);
    const yielded = (result: StepResult): void => this.#done({ case: 'yielded', value: { stream: number, result } });
    const serving = new RecordedServing(stream, {
      pulled: () => {},
      cancelled: () => {},
      run: (code) => code(),
      yielded,
      valueOf: (value) => valueRecord(method.response, value),
    });
    this.#served.set(number, serving);
  }

  #pull(number: number): void {
    const stream = this.#served.get(number);
    if (stream === undefined) throw new ProtocolError(`stream ${number} was pulled, but the replay does not serve it`);
    // RecordedServing reports the failure as the yielded result.
    stream.next().catch(() => {});
  }

  #pullRequest(number: number): void {
    const source = this.#sources[number];
    if (source === undefined)
      throw new ProtocolError(`requests of call ${number} were pulled, but the replay has not made it`);
    source.next().catch(() => {});
  }

  /** Serves the requests of a call that was made now. */
  #send(sent: Sent): RecordedServing | undefined {
    const { request, streamsRequests } = methodOf(sent);
    if (streamsRequests !== true || !isAsyncIterable(sent.message)) return undefined;
    const stream = this.#sources.length;
    const source = new RecordedServing(sent.message, {
      pulled: () => {},
      cancelled: () => {},
      run: (code) => code(),
      yielded: (result) => this.#done({ case: 'requestYielded', value: { stream, result } }),
      valueOf: (value) => valueRecord(request, value),
    });
    this.#sources.push(source);
    return source;
  }

  #onElement({ stream, result }: v1.RecordedElement): void {
    const elements = this.#read[stream];
    if (elements === undefined)
      throw new ProtocolError(`an element arrived on stream ${stream}, but the replay has not opened it`);
    if (result.case === 'error') elements.fail(errorFrom(result.value, this.#sourceOfStream.get(stream)));
    else if (result.case === 'end') elements.end();
    else elements.push(result.value ?? new Uint8Array(0));
  }

  #answer({ ask, result }: v1.RecordedAnswer): void {
    const asked = this.#asks[ask];
    if (asked === undefined) throw new ProtocolError(`ask ${ask} was answered, but the replay has not made it`);
    if (result.case === 'error') asked.fail(errorFrom(result.value, this.#sourceOfAsk.get(ask)));
    else asked.reply(decode(methodOf(asked).response, result.value ?? new Uint8Array(0)));
  }

  #method(name: string): AnyMethod {
    const method = Object.values(this.#behavior.service.methods).find(({ fullName }) => fullName === name);
    if (method === undefined)
      throw new ProtocolError(`${this.#behavior.service.typeName} no longer has an rpc ${name}`);
    return method;
  }

  /** Converts an effect to the action that would have been recorded. */
  #onEffect(effect: Effect): void {
    switch (effect.kind) {
      case 'asked': {
        this.#done({ case: 'asked', value: sendOf(effect) });
        const source = this.#send(effect);
        if (source !== undefined) this.#sourceOfAsk.set(this.#asks.length, source);
        this.#asks.push(effect);
        return;
      }
      case 'told':
        return this.#done({ case: 'told', value: sendOf(effect) });
      case 'spawned':
        return this.#done({ case: 'spawned', value: { name: effect.name, ref: effect.ref.toRef() } });
      case 'watched':
      case 'unwatched':
        return this.#done({ case: effect.kind, value: effect.ref.toRef() });
      case 'timer set':
        this.#timersSet.set(effect.timer, this.#timersSet.size);
        return this.#done({ case: 'timerSet', value: { delayMs: effect.delayMs, periodMs: effect.periodMs } });
      case 'timer cancelled': {
        const number = this.#timersSet.get(effect.timer);
        return number === undefined ? undefined : this.#done({ case: 'timerCancelled', value: number });
      }
      case 'stopped':
        return this.#done({ case: 'stopped', value: {} });
      case 'failed':
        return this.#done({ case: 'stopped', value: { error: errorRecord(effect.error) } });
      case 'idle timeout set':
        return this.#done({ case: 'idleTimeoutSet', value: effect.timeoutMs ?? 0 });
      case 'stashed':
      case 'unstashed':
        return this.#done({ case: effect.kind, value: {} });
      case 'opened': {
        this.#done({ case: 'opened', value: sendOf(effect) });
        const source = this.#send(effect);
        if (source !== undefined) this.#sourceOfStream.set(this.#read.length, source);
        return;
      }
      case 'child stopped':
      case 'became':
    }
  }
}

type Sent = Extract<Effect, { readonly kind: 'told' | 'asked' | 'opened' }>;

function methodOf({ to, method: name }: Sent): AnyMethod {
  const method = to.service.methods[name];
  if (method === undefined) throw new ProtocolError(`${to.service.typeName} has no rpc ${name}`);
  return method;
}

function sendOf(sent: Sent): { to: Ref; method: string; value: Uint8Array } {
  const method = methodOf(sent);
  return { to: sent.to.toRef(), method: method.fullName, value: requestBytes(method, sent.message) };
}

/** The error of a call. Where the source of its requests has failed, the caller gets what that has thrown. */
function errorFrom(record: v1.RecordedError, source: RecordedServing | undefined): Error {
  return source?.failure === undefined ? fromWire(record) : errorOf(source.failure);
}
