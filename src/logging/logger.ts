export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Fields of a record besides its message, such as `{ node, process, partition, actor }`. Values may be anything: errors, bigints,
 * dates, values whose getters throw. The names `timestamp`, `level` and `message` are the record's own: fields with them are not written.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/** The log of the runtime and of user code. None of its methods throws. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every record. Fields of the record itself win. */
  child(fields: LogFields): Logger;
}
