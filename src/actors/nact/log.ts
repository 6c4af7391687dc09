import type { Logger } from '../../logging/index.js';

/** nact's logger interface for actors, on the runtime's logger. */
export class ActorLogger {
  readonly #log: Logger;

  constructor(log: Logger) {
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
