import type { Logger as RuntimeLogger } from '../../logging/index.js';

/** nact's logger of an actor. */
export interface Logger {
  trace(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  critical(message: string): void;
  event(name: string, properties: unknown): void;
  exception(error: Error): void;
  metric(name: string, values: unknown): void;
}

/** Writes to the runtime's log. */
export class ActorLogger implements Logger {
  readonly #log: RuntimeLogger;

  constructor(log: RuntimeLogger) {
    this.#log = log;
  }

  trace(message: string): void {
    this.#log.debug(message);
  }

  debug(message: string): void {
    this.#log.debug(message);
  }

  info(message: string): void {
    this.#log.info(message);
  }

  warn(message: string): void {
    this.#log.warn(message);
  }

  error(message: string): void {
    this.#log.error(message);
  }

  critical(message: string): void {
    this.#log.error(message, { isCritical: true });
  }

  event(name: string, properties: unknown): void {
    this.#log.info(name, { event: properties });
  }

  exception(error: Error): void {
    this.#log.error(error.message, { error });
  }

  metric(name: string, values: unknown): void {
    this.#log.info(name, { metric: values });
  }
}
