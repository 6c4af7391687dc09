import { type Logger, type LogLevel, writingLogger } from '../../../logging/index.js';

/** A logger that hands records of a level or above to another, which is made when the first record is written. */
export function leveled(lowest: LogLevel, to: () => Logger | undefined): Logger {
  let made: Logger | undefined;
  return writingLogger(lowest, (level, message, fields) => {
    made ??= to();
    made?.[level](message, fields);
  });
}
