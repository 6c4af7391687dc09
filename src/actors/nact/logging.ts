import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type HasSystem, type RootSystem, rootSystemOf } from '../kernel/index.js';
import type { Logger } from './log.js';
import { dispatch } from './messaging.js';
import { isReference, Nobody, type Ref } from './reference.js';

export const LogLevel = { OFF: 0, TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, CRITICAL: 6 } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

interface LogHead {
  /** Who has logged it. */
  readonly actor: Ref<never>;
  /** By the scheduler's clock. */
  readonly createdAt: Date;
}

export interface LogTrace extends LogHead {
  readonly type: 'trace';
  readonly level: LogLevel;
  readonly message: string;
}

export interface LogEvent extends LogHead {
  readonly type: 'event';
  readonly name: string;
  readonly properties: unknown;
}

export interface LogMetric extends LogHead {
  readonly type: 'metric';
  readonly name: string;
  readonly values: unknown;
}

export interface LogException extends LogHead {
  readonly type: 'exception';
  readonly exception: Error | undefined;
}

/** What the actor of a logging engine receives. */
export type LogMsg = LogTrace | LogEvent | LogMetric | LogException;

/** Starts the actor that receives the log of a runtime's actors. */
export type LoggingEngine = (runtime: HasSystem) => Ref<LogMsg>;

const engines = new WeakMap<RootSystem, Ref<LogMsg>>();

/**
 * Sends what the actors of a runtime log with `ctx.log` to the actor that `engine` starts, instead of to the log of the runtime. Actors that
 * have logged before keep their logger. Throws ConfigError for an engine that is no function or gives no reference, and for what is no runtime.
 *
 *     configureLogging(logToConsole())(runtime);
 */
export function configureLogging(engine: LoggingEngine): (runtime: HasSystem) => void {
  if (typeof engine !== 'function') {
    throw new ConfigError(`a logging engine is a function that starts an actor, not ${shownValue(engine)}`);
  }
  return (runtime) => {
    const system = rootSystemOf(runtime);
    if (system === undefined) {
      throw new ConfigError(`a logging engine is set for a runtime, not for ${shownValue(runtime)}`);
    }
    const receiver = engine(runtime);
    if (!isReference(receiver)) {
      throw new ConfigError(`the logging engine must give a reference to its actor, not ${shownValue(receiver)}`);
    }
    engines.set(system, receiver);
  };
}

/** A logging engine that drops everything. */
export const logNothing: LoggingEngine = () => new Nobody();

/** The logger of an actor, where an engine was set for its system; undefined elsewhere, and for the engine's own actor. */
export function engineLogger(system: RootSystem, actor: Ref<never>, scheduler: Scheduler): Logger | undefined {
  const receiver = engines.get(system);
  return receiver === undefined || receiver === actor ? undefined : new EngineLogger(receiver, actor, scheduler);
}

class EngineLogger implements Logger {
  readonly #receiver: Ref<LogMsg>;
  readonly #actor: Ref<never>;
  readonly #scheduler: Scheduler;

  constructor(receiver: Ref<LogMsg>, actor: Ref<never>, scheduler: Scheduler) {
    this.#receiver = receiver;
    this.#actor = actor;
    this.#scheduler = scheduler;
  }

  trace(message: string): void {
    this.#trace(LogLevel.TRACE, message);
  }

  debug(message: string): void {
    this.#trace(LogLevel.DEBUG, message);
  }

  info(message: string): void {
    this.#trace(LogLevel.INFO, message);
  }

  warn(message: string): void {
    this.#trace(LogLevel.WARN, message);
  }

  error(message: string): void {
    this.#trace(LogLevel.ERROR, message);
  }

  critical(message: string): void {
    this.#trace(LogLevel.CRITICAL, message);
  }

  event(name: string, properties: unknown): void {
    this.#send({ type: 'event', name: String(name), properties, ...this.#head() });
  }

  exception(exception: Error): void {
    this.#send({ type: 'exception', exception, ...this.#head() });
  }

  metric(name: string, values: unknown): void {
    this.#send({ type: 'metric', name: String(name), values, ...this.#head() });
  }

  #trace(level: LogLevel, message: string): void {
    this.#send({ type: 'trace', level, message: String(message), ...this.#head() });
  }

  #head(): LogHead {
    const { epochMs } = this.#scheduler;
    // oxlint-disable-next-line no-restricted-globals -- nact's type, made of the scheduler's time.
    return { actor: this.#actor, createdAt: new Date(epochMs + this.#scheduler.now()) };
  }

  #send(message: LogMsg): void {
    dispatch(this.#receiver, message, this.#actor);
  }
}
