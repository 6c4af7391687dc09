import type { LogFields, Logger, LogLevel } from './logger.js';
import { writingLogger } from './writing-logger.js';

export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A Logger for tests: keeps every record, its children's too, in `records`. */
export function memoryLogger(): Logger & { readonly records: LogRecord[] } {
  const records: LogRecord[] = [];
  const logger = writingLogger('debug', (level, message, fields) => void records.push({ level, message, fields }));
  return { ...logger, records };
}
