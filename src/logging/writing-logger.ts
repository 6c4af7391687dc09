import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from './logger.js';

/** Writes one record; `fields` are those of the logger and of the call, merged. */
export type WriteRecord = (level: LogLevel, message: string, fields: LogFields) => void;

/** A Logger that calls one function for each record of `level` and above. */
export function writingLogger(level: LogLevel, write: WriteRecord, own: LogFields = {}): Logger {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel): Logger['info'] =>
    LOG_LEVELS.indexOf(name) < lowest ? ignore : (message, fields) => write(name, message, { ...own, ...fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => writingLogger(level, write, { ...own, ...fields }),
  };
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
