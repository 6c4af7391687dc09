import type { AnyBehavior } from '../actors/kernel/index.js';
import { Later } from '../actors/kernel/index.js';
import { fromWire } from '../actors/transport/index.js';
import { ProtocolError } from '../errors.js';
import { type AnyMethod, decode, type Ref, type v1 } from '../protocol/index.js';
import { type Asked, type Effect, EffectsContext } from '../testing/index.js';
import { isAsyncIterable, RecordedServing, type StepResult } from './recorded-streams.js';
import { errorRecord, messageBytes, valueRecord } from './records.js';
import { ReplayedElements } from './replayed-elements.js';
import type { ReplayedScheduler } from './replayed-scheduler.js';

/** One event, of whatever kind. */
export type RecordedThing = v1.RecordedEvent['event'];
/** As it is made. */
export type DoneThing = NonNullable<v1.RecordedEventInit['event']>;

/** What is replayed, from one start to the next. */
export interface Life {
  start(): void;
  /** Hands it one thing that came. ProtocolError for one that it cannot be given. */
  give(thing: RecordedThing): void;
}

/** An actor from one start to the next, alone: gets what it got, and tells what it does. */
export class ReplayedLife implements Life {
  readonly #behavior: AnyBehavior;
  readonly #context: EffectsContext;
  readonly #asks: Asked[] = [];
  /** Streams that it serves, by the number of the message that opened them. */
  readonly #served = new Map<number, RecordedServing>();
  /** Streams that it reads, in the order in which it opened them. */
  readonly #read: ReplayedElements[] = [];
  readonly #done: (thing: DoneThing) => void;
  #timersSet = new Map<unknown, number>();

  /** `children` are those that the recorded life had, in order; `done` hears everything that this one does. */
  constructor(
    behavior: AnyBehavior,
    start: v1.RecordedStart,
    children: readonly v1.RecordedChild[],
    scheduler: ReplayedScheduler,
    done: (thing: DoneThing) => void,
  ) {
    const names = children.map(({ name }) => name);
    const refs = children.map(({ ref }) => ref?.cUid ?? 0n);
    this.#behavior = behavior;
    this.#done = done;
    this.#context = new EffectsContext(behavior, {
      path: start.path,
      selfCUid: start.ref?.cUid ?? 0n,
      incarnation: start.ref?.incarnation ?? 0n,
      scheduler,
      record: (effect) => this.#did(effect),
      elements: (method) => {
        const number = this.#read.length;
        const elements = new ReplayedElements(method.response, () => this.#done({ case: 'closed', value: number }));
        this.#read.push(elements);
        return elements;
      },
      nextCUid: () => refs.shift() ?? 0n,
      nextName: ({ typeName }) => names.shift() ?? typeName,
    });
  }

  start(): void {
    this.#guard(() => {
      this.#context.createState();
      return this.#behavior.on.started?.(this.#context.state, this.#context);
    });
  }

  give(thing: RecordedThing): void {
    switch (thing.case) {
      case 'message':
        return this.#handle(thing.value);
      case 'answer':
        return this.#answer(thing.value);
      case 'timerFired': {
        const callback = this.#context.timerCallback(thing.value);
        if (callback === undefined) throw new ProtocolError(`timer ${thing.value} fired, which was not set`);
        return this.#guard(callback);
      }
      case 'terminated': {
        const { ref: recorded, reason } = thing.value;
        const ref = this.#context.takeWatched(recorded?.cUid ?? 0n);
        if (ref === undefined) {
          throw new ProtocolError(`an actor of ${recorded?.service ?? 'no service'} was gone, which is not watched`);
        }
        const event = { ref, reason: reason === 'unreachable' ? reason : 'stopped' } as const;
        return this.#guard(() => this.#behavior.on.terminated?.(this.#context.state, event, this.#context));
      }
      case 'idle':
        return this.#guard(() => this.#behavior.on.idle?.(this.#context.state, this.#context));
      case 'pulled':
        return this.#pull(thing.value);
      case 'cancelled':
        return this.#guard(() => this.#served.get(thing.value)?.return?.());
      case 'element':
        return this.#hear(thing.value);
      case 'stopping':
        return this.#guard(() => this.#behavior.on.stopping?.(this.#context.state, this.#context));
      default:
        throw new ProtocolError(`${thing.case ?? 'nothing'} is not a thing that comes to an actor`);
    }
  }

  /** Runs code of the actor outside any message; a failure is a thing that it does. */
  #guard(code: () => unknown): void {
    const failed = (error: unknown): void => this.#done({ case: 'stopped', value: { error: errorRecord(error) } });
    try {
      const result = code();
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #handle({ number, method: name, value, meta, sender }: v1.RecordedMessage): void {
    const method = this.#method(name);
    const message = decode(method.request, value);
    const ended = (result: NonNullable<v1.RecordedOutcomeInit['result']>): void =>
      this.#done({ case: 'outcome', value: { message: number, result } });
    const replied = (reply: unknown): void =>
      ended(method.mode === 'ask' ? valueRecord(method.response, reply) : { case: 'value', value: new Uint8Array(0) });
    const failed = (error: unknown): void => ended({ case: 'error', value: errorRecord(error) });
    const handler = this.#behavior.handlers.get(method);
    try {
      const fields = { meta, ...(sender === undefined ? {} : { sender }) };
      const result = this.#context.during(fields, () => handler?.(this.#context.state, message, this.#context));
      if (method.mode === 'stream') this.#serve(method, number, result);
      else if (result instanceof Promise) result.then(replied, failed);
      else if (result instanceof Later) result.reply.then(replied, failed);
      else replied(result);
    } catch (error) {
      failed(error);
    }
  }

  #serve(method: AnyMethod, number: number, stream: unknown): void {
    if (!isAsyncIterable(stream))
      throw new ProtocolError(`the handler of ${method.fullName} returns no stream any more`);
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
    if (stream === undefined) throw new ProtocolError(`stream ${number} was pulled, which is not served`);
    // What it fails with is what it yields.
    stream.next().catch(() => {});
  }

  #hear({ stream, result }: v1.RecordedElement): void {
    const feed = this.#read[stream];
    if (feed === undefined) throw new ProtocolError(`stream ${stream} had an element, which was not opened`);
    if (result.case === 'error') feed.fail(fromWire(result.value));
    else if (result.case === 'end') feed.end();
    else feed.push(result.value ?? new Uint8Array(0));
  }

  #answer({ ask, result }: v1.RecordedAnswer): void {
    const asked = this.#asks[ask];
    if (asked === undefined) throw new ProtocolError(`ask ${ask} was answered, which was not made`);
    if (result.case === 'error') asked.fail(fromWire(result.value));
    else asked.reply(decode(methodOf(asked).response, result.value ?? new Uint8Array(0)));
  }

  #method(name: string): AnyMethod {
    const method = Object.values(this.#behavior.service.methods).find(({ fullName }) => fullName === name);
    if (method === undefined) throw new ProtocolError(`${this.#behavior.service.typeName} has no rpc ${name} any more`);
    return method;
  }

  /** Turns an effect into what would have been recorded of it. */
  #did(effect: Effect): void {
    switch (effect.kind) {
      case 'asked':
        this.#asks.push(effect);
        return this.#done({ case: 'asked', value: sendOf(effect) });
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
      case 'opened':
        return this.#done({ case: 'opened', value: sendOf(effect) });
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
  return { to: sent.to.toRef(), method: method.fullName, value: messageBytes(method.request, sent.message) };
}
