import { type Behavior, type Context, type UntypedDefinition, untypedBehavior } from '../actors/kernel/index.js';
import { ProtocolError, WaitTimeoutError } from '../errors.js';
import type { AnyMethod, AnyService, Meta, Ref } from '../protocol/index.js';
import type { Scheduler, Timer } from '../scheduler/index.js';
import { elementsOf } from './answered-stream.js';
import { type Answers, answer, type UntypedAnswers } from './answers.js';

/** A message that a probe received. */
export interface Received {
  /** Name of the rpc, as on the reference. */
  readonly method: string;
  /** Where the rpc streams its requests: the stream of them, which the answer may read. It ends with the answer. */
  readonly message: unknown;
  readonly meta: Meta | undefined;
  readonly sender: Ref | undefined;
}

interface Waiter {
  readonly resolve: (received: Received) => void;
  readonly timer: Timer;
}

/**
 * An actor that keeps its messages until the test takes them. Spawn its behavior where the program expects another actor. `answers`
 * replies to asks and streams; one without an answer fails with a HandlerError at the caller.
 *
 *     const probe = createProbe(Pricing, cluster.scheduler, { quote: () => ({ price: 3 }) });
 *     const ref = runtime.spawn(probe.behavior);
 *     ref.observe({ symbol: 'ACME', price: 12.5 });
 *     expect(await probe.next()).to.include({ method: 'observe' });
 */
export function createProbe<S extends AnyService>(service: S, scheduler: Scheduler, answers?: Answers<S>): Probe<S>;
export function createProbe<S extends AnyService>(
  service: S,
  scheduler: Scheduler,
  answers: UntypedAnswers = {},
): Probe<S> {
  return new Probe(service, scheduler, answers);
}

/** Made by `createProbe`. */
export class Probe<S extends AnyService> {
  readonly behavior: Behavior<S, unknown>;
  readonly #scheduler: Scheduler;
  #received: Received[] = [];
  #waiters: Waiter[] = [];

  constructor(service: S, scheduler: Scheduler, answers: UntypedAnswers) {
    this.#scheduler = scheduler;
    this.behavior = untypedBehavior(service, this.#definition(service, answers));
  }

  /** Takes the oldest message, or waits for the next one. Rejects with WaitTimeoutError after `timeoutMs`, 5 s by default. */
  next({ timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {}): Promise<Received> {
    const first = this.#received.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve, reject) => {
      const timer = this.#scheduler.setTimer(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((waiter) => waiter.timer !== timer);
        reject(
          new WaitTimeoutError(
            `the probe of ${this.behavior.service.typeName} received no message for ${timeoutMs} ms`,
          ),
        );
      });
      this.#waiters.push({ resolve, timer });
    });
  }

  /** Takes all messages that were not taken yet. */
  takeAll(): readonly Received[] {
    const taken = this.#received;
    this.#received = [];
    return taken;
  }

  #definition(service: AnyService, answers: UntypedAnswers): UntypedDefinition {
    const handlers = Object.values(service.methods).map((method): [string, unknown] => [
      method.name,
      this.#handler(method, answers),
    ]);
    return { ...Object.fromEntries<unknown>(handlers), supervision: 'resume' };
  }

  #handler(method: AnyMethod, answers: UntypedAnswers) {
    return (_state: unknown, message: unknown, ctx: Context): unknown => {
      this.#keep({ method: method.name, message, meta: ctx.meta, sender: ctx.sender });
      if (method.mode === 'tell') return undefined;
      const reply = answer(answers, method, message);
      if (reply === undefined) throw new ProtocolError(`this probe has no answer to ${method.fullName}`);
      return method.mode === 'stream' ? elementsOf(method, reply) : reply;
    };
  }

  #keep(received: Received): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#received.push(received);
      return;
    }
    this.#scheduler.clearTimer(waiter.timer);
    waiter.resolve(received);
  }
}
