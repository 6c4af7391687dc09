import { StoppedError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import {
  type AskOptions,
  inheritedOptions,
  isInherited,
  type OutgoingCall,
  outgoingAsk,
  type StreamOptions,
} from './call.js';
import type { Counters } from './counters.js';
import type { CurrentTurn } from './current-turn.js';
import type { DeadLetterOffice } from './dead-letters.js';
import { type ReadyCall, readyCall, type ReadyOptions } from './ready-wait.js';
import type { CallWrapper } from './references.js';
import type { LaterCall } from './route.js';
import { FailedStream } from './stream.js';
import { outgoingStream, type StreamCall } from './stream-call.js';
import type { UntypedRef } from './untyped-ref.js';

interface CallLimits {
  readonly askTimeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly callChain: number;
}

/** What the calls need to know of their system. */
export interface CallingSystem {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly limits: CallLimits;
  readonly turn: CurrentTurn;
  readonly counters: Counters;
  readonly deadLetters: DeadLetterOffice;
}

/**
 * The calls that are made in one system: their options, merged with what they inherit from the handler that runs. While the system drains,
 * calls from outside the actors are refused.
 */
export class OutgoingCalls {
  readonly #system: CallingSystem;
  #isDraining = false;

  constructor(system: CallingSystem) {
    this.#system = system;
  }

  ask(options: AskOptions | undefined, nowMs: number): OutgoingCall {
    const { turn, limits } = this.#system;
    return outgoingAsk(options, turn.actor, nowMs, limits.askTimeoutMs, limits.callChain);
  }

  stream(options: StreamOptions | undefined): StreamCall {
    const { turn, limits } = this.#system;
    return outgoingStream(options, turn.actor, limits.askTimeoutMs, limits.callChain);
  }

  /** `byMs` as of `Route.ready`. */
  ready(options: ReadyOptions | undefined, byMs: number | undefined): ReadyCall {
    const { turn, limits } = this.#system;
    return readyCall(options, byMs, turn.actor, limits.readyTimeoutMs);
  }

  /** As `Route.inherit`. */
  later(method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    const timeoutMs = options?.timeoutMs;
    const byMs = timeoutMs === undefined ? undefined : this.#system.scheduler.now() + timeoutMs;
    return { options: this.#inherited(method, options), byMs };
  }

  #inherited({ fullName }: AnyMethod, options: StreamOptions | undefined): StreamOptions | undefined {
    if (isInherited(options)) return options;
    const { actor } = this.#system.turn;
    if (actor !== undefined) return inheritedOptions(actor, options, actor.current);
    const refusal = this.refusalOfOutside(fullName);
    if (refusal !== undefined) throw refusal;
    return options;
  }

  /**
   * From now on, calls from outside the actors are refused. Calls of handlers are accepted, also those after an `await`. Returns the wrapper
   * of calls that refuses them; undefined when they are refused already.
   */
  drain(): CallWrapper | undefined {
    if (this.#isDraining) return undefined;
    this.#isDraining = true;
    return (method, call) => (ref, message, options) => {
      const refusal = isInherited(options) ? undefined : this.refusalOfOutside(method.fullName);
      return refusal === undefined ? call(ref, message, options) : this.#refuse(ref, method, message, refusal);
    };
  }

  /** The error for a call that starts now; undefined when the call may belong to earlier work. */
  refusalOfOutside(what: string): StoppedError | undefined {
    const { name, turn, counters } = this.#system;
    if (!this.#isDraining || turn.actor !== undefined || counters.awaited > 0) return undefined;
    return new StoppedError(`${what}: system ${name} is draining: it finishes its work, and accepts no new calls`);
  }

  /** The result of a refused call: a tell becomes a dead letter, an ask or stream fails. */
  #refuse(ref: UntypedRef, { mode, fullName }: AnyMethod, message: unknown, error: StoppedError): unknown {
    switch (mode) {
      case 'tell':
        this.#system.deadLetters.add({ path: ref.path.toString() }, fullName, message, 'stopped');
        return false;
      case 'ask':
        return Promise.reject(error);
      case 'stream':
        return new FailedStream(error);
    }
  }
}
