import type { LogFields, Logger } from './logger.js';

/** A logger of a user: what it throws is dropped, because a log must not fail the work that it is about. */
export function guardedLogger(to: Logger): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      try {
        to[level](message, fields);
      } catch {
        // There is nowhere to say it.
      }
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => guardedLogger(childOf(to, fields)),
  };
}

/** The logger itself where it makes no children. */
function childOf(to: Logger, fields: LogFields): Logger {
  try {
    return to.child(fields);
  } catch {
    return to;
  }
}
