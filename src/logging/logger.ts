export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What is known beside the message: `{ node, process, partition, actor }` and more. Errors and bigints are welcome. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the runtime and user code write what happens. None of its methods throws. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every record has `fields` too; what a record says itself comes first. */
  child(fields: LogFields): Logger;
}
