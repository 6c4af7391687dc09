import { AskAbortedError, BackpressureError, ConfigError, UnreachableError } from '../../errors.js';
import { Deferred } from '../../deferred.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type Caller, checkCallOptions, inheritanceOf, type WaitingActor, type WaitingAsk } from './call.js';
import { CallChain } from './call-chain.js';
import { Deadline, type Deadlines } from './deadlines.js';
import { accepted, type AcceptedOptions } from '../../options/index.js';
import type { ReadyQueue, ReadyWaiter } from './ready-queue.js';
import { waitingCycle } from './waiting-cycle.js';

/** Options of `ready()`. */
export interface ReadyOptions {
  /**
   * The longest wait in ms; then `ready()` rejects with BackpressureError, or with UnreachableError when no link to the actor was open by then. It is at most the remaining time of the message being handled.
   * `Infinity` waits as long as the actor is alive. Without it, `ready()` waits for as long as the actor handles messages, and rejects when it
   * has handled none for `readyTimeoutMs`, 60 000.
   */
  readonly timeoutMs?: number | undefined;
  /** Rejects with AskAbortedError when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of `ready()`, merged with what it inherits from the message being handled. */
export interface ReadyCall {
  readonly timeoutMs: number;
  /** Scheduler time at which `timeoutMs` has passed; undefined where it begins now. */
  readonly byMs: number | undefined;
  /** `timeoutMs` begins anew whenever the actor has handled messages. */
  readonly isPatient: boolean;
  /** Scheduler time at which the message being handled expires; `Infinity` for none. */
  readonly expiresMs: number;
  readonly signal: AbortSignal | undefined;
  readonly caller: Caller | undefined;
  /** The actor whose handler calls, and those that wait for it. */
  readonly chain: CallChain | undefined;
}

/** What is to have room. */
export interface ReadyTarget {
  readonly path: string;
  /** Why there is no link to it yet; undefined where there is one, or none is needed. */
  readonly opening?: string | undefined;
}

export interface ReadyHost {
  readonly deadlines: Deadlines;
  readonly scheduler: Scheduler;
}

export const READY_OPTIONS: AcceptedOptions = { timeoutMs: accepted.milliseconds, signal: accepted.signal };

/** Creates the data of a call of `ready()`; `byMs` as of `Route.ready`. Throws ConfigError for an option that is wrong or unknown. */
export function readyCall(
  options: ReadyOptions | undefined,
  byMs: number | undefined,
  running: Caller | undefined,
  defaultTimeoutMs: number,
): ReadyCall {
  const kept = inheritanceOf(options);
  checkCallOptions('ready()', options, READY_OPTIONS);
  const { timeoutMs = defaultTimeoutMs, signal } = options ?? {};
  checkReadyTimeout(timeoutMs);
  const caller = kept === undefined ? running : kept.caller;
  const inherited = kept === undefined ? running?.current : kept.delivery;
  return {
    timeoutMs,
    byMs,
    isPatient: options?.timeoutMs === undefined,
    expiresMs: inherited?.deadlineMs ?? Number.POSITIVE_INFINITY,
    signal,
    caller,
    chain: caller === undefined ? undefined : new CallChain(caller, inherited?.chain),
  };
}

/** Throws ConfigError for a deadline that is none. */
export function checkReadyTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || timeoutMs > 0) return;
  throw new ConfigError(
    `timeoutMs of ready() must be a positive number of milliseconds, or Infinity, not ${timeoutMs}`,
  );
}

/** A caller of `ready()` that found no room. Settles once: when there is room, when the actor ends, at its deadline, or by its signal. */
export class ReadyWait extends Deadline implements ReadyWaiter {
  readonly #settled = new Deferred<void>();
  readonly #host: ReadyHost;
  readonly #target: ReadyTarget;
  readonly #call: ReadyCall;
  #queue: ReadyQueue | undefined;

  constructor(host: ReadyHost, target: ReadyTarget, call: ReadyCall) {
    super(Math.min(call.byMs ?? host.scheduler.now() + call.timeoutMs, call.expiresMs));
    this.#host = host;
    this.#target = target;
    this.#call = call;
  }

  get promise(): Promise<void> {
    return this.#settled.promise;
  }

  get isSettled(): boolean {
    return this.#settled.isSettled;
  }

  /** Sets the deadline, and listens to the signal. */
  start(): void {
    const { signal } = this.#call;
    const { deadlines, scheduler } = this.#host;
    const nowMs = scheduler.now();
    if (signal?.aborted === true) this.aborted();
    else if (this.deadlineMs <= nowMs) this.expire();
    else {
      if (signal !== undefined) deadlines.signals.add(signal, this);
      if (this.deadlineMs !== Number.POSITIVE_INFINITY) deadlines.addWait(this, nowMs);
    }
  }

  /** Waits in this queue, unless it has settled. */
  join(queue: ReadyQueue): void {
    if (this.isSettled) return;
    this.#queue = queue;
    queue.add(this);
  }

  resolve(): void {
    this.#leave();
    this.#settled.resolve();
  }

  reject(error: unknown): void {
    this.#leave();
    this.#settled.reject(error);
  }

  override expire(): void {
    if (!this.#waitsOn()) this.expired();
  }

  /** What it waits for has made progress: waits further. */
  #waitsOn(): boolean {
    const { isPatient, timeoutMs, expiresMs } = this.#call;
    if (!isPatient || this.#queue === undefined) return false;
    const nowMs = this.#host.scheduler.now();
    const deadlineMs = Math.min(this.#queue.progressMs + timeoutMs, expiresMs);
    if (deadlineMs <= nowMs) return false;
    this.deadlineMs = deadlineMs;
    this.#host.deadlines.addWait(this, nowMs);
    return true;
  }

  /** Nothing has brought room in time. */
  protected expired(): void {
    const { path, opening } = this.#target;
    if (opening !== undefined) {
      this.reject(new UnreachableError(`${path} had no link ${this.#why()}: ${opening}.`, { isUnsent: true }));
      return;
    }
    this.reject(
      new BackpressureError(
        `${path} had no room for messages ${this.#why()}: its mailbox or the link to it stayed full. ${this.advice()}`,
      ),
    );
  }

  #why(): string {
    const { isPatient, timeoutMs, expiresMs } = this.#call;
    if (this.deadlineMs === expiresMs) return 'by the deadline of the message being handled';
    return isPatient ? `and has handled none for ${timeoutMs} ms` : `for ${timeoutMs} ms`;
  }

  aborted(): void {
    this.reject(
      new AskAbortedError(`ready() of ${this.#target.path} was aborted by its caller`, {
        cause: this.#call.signal?.reason,
      }),
    );
  }

  /** Ends the error of a wait that reached its deadline. */
  protected advice(): string {
    return 'Give the message up, or try again later';
  }

  #leave(): void {
    const { signal } = this.#call;
    this.#queue?.remove(this);
    this.#host.deadlines.remove(this);
    if (signal !== undefined) this.#host.deadlines.signals.remove(signal, this);
  }
}

/** A wait for the mailbox of an actor of this partition, which knows whether actors wait for one another. */
export class LocalReadyWait extends ReadyWait implements WaitingAsk {
  readonly asked: WaitingActor;
  #hasExpired = false;

  constructor(host: ReadyHost, target: WaitingActor, call: ReadyCall) {
    super(host, target, call);
    this.asked = target;
    call.caller?.asks(this);
  }

  get isWaitedFor(): boolean {
    return !this.isSettled || this.#hasExpired;
  }

  protected override expired(): void {
    this.#hasExpired = true;
    super.expired();
  }

  protected override advice(): string {
    const cycle = waitingCycle(this.asked);
    if (cycle === undefined) return super.advice();
    return (
      `These actors wait for one another, so that none makes room: ${cycle.join(' -> ')}. ` +
      'Do not wait in the handler, or give one of the messages up'
    );
  }
}
