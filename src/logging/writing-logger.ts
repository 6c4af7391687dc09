import { messageOf } from '../foreign.js';
import { mergedFields } from './describe-fields.js';
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from './logger.js';

/** Writes one record, and does not throw; `fields` are those of the logger and of the call, merged. */
export type WriteRecord = (level: LogLevel, message: string, fields: LogFields) => void;

/** A Logger that calls one function for each record of `level` and above. */
export function writingLogger(level: LogLevel, write: WriteRecord, own: LogFields = {}): Logger {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel): Logger['info'] =>
    LOG_LEVELS.indexOf(name) < lowest
      ? ignore
      : (message, fields) => write(name, textOf(message), mergedFields(own, fields));
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => writingLogger(level, write, mergedFields(own, fields)),
  };
}

/** JavaScript can pass any value as a message. */
function textOf(message: unknown): string {
  return typeof message === 'string' ? message : messageOf(message);
}

/** A Logger that writes nothing. */
export const silentLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
};

function ignore(): void {}
