/** The only file that knows winston. */
import { Writable } from 'node:stream';
import type winston from 'winston';
import vendored from '../vendored.cjs';
import { ResourceError } from '../errors.js';
import { isRecord } from '../foreign.js';
import { describeFields } from './describe-fields.js';
import type { LogFields, Logger, LogLevel } from './logger.js';
import { textLine } from './text-format.js';
import { writingLogger } from './writing-logger.js';

/** Where lines go: a writable stream of Node, such as `process.stdout`. Ours is a type without Node's, which not every program has. */
export interface LogStream {
  readonly isTTY?: boolean | undefined;
  write(line: string): unknown;
}

export interface LoggerOptions {
  /** Records below this level are dropped. Default: info. */
  readonly level?: LogLevel;
  /** One JSON object a line, or text for people; auto is text on a terminal, JSON otherwise. Default: auto. */
  readonly format?: 'json' | 'text' | 'auto';
  /** Whether text has the stacks of errors, on lines of their own; JSON always has them. Default: true. */
  readonly hasStacks?: boolean;
  /** Default: standard error. Standard output belongs to the program. */
  readonly destination?: LogStream;
}

/**
 * A Logger that writes lines.
 *
 * @example
 * const log = createLogger({ level: 'debug' }).child({ partition: 2 });
 * log.info('segment started', { segment: 'tally' });
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = 'info' } = options;
  let backend: winston.Logger | undefined;
  return writingLogger(level, (name, message, fields) => {
    const described = describeFields(fields);
    try {
      backend ??= createBackend(level, options);
    } catch {
      // winston cannot be loaded at this moment, for want of descriptors or memory. The record must not be lost, and must not throw.
      writeTo(options.destination ?? process.stderr, `${jsonLine(described, { level: name, message })}\n`);
      return;
    }
    // In a field of its own: winston gives a meaning to names such as `exception`, and drops that record.
    backend.log({ level: name, message, fields: described });
  });
}

/** Loading winston takes longer than starting a runtime, so the first line loads it: most programs start without one. */
function load(): typeof winston {
  const loaded = vendored.winston();
  if (isWinston(loaded)) return loaded;
  throw new ResourceError('The copy of winston in Millrace is damaged. Install Millrace again.');
}

function isWinston(loaded: unknown): loaded is typeof winston {
  return isRecord(loaded) && typeof loaded['createLogger'] === 'function';
}

function createBackend(
  level: LogLevel,
  { format = 'auto', destination = process.stderr, hasStacks = true }: LoggerOptions,
): winston.Logger {
  const { createLogger: create, format: formats, transports } = load();
  const isText = format === 'text' || (format === 'auto' && destination.isTTY === true);
  return create({
    level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: formats.combine(
      formats.timestamp(),
      formats.printf(({ level: name, message, timestamp, fields }) => {
        const described = isRecord(fields) ? fields : {};
        const own = { timestamp, level: name, message };
        return isText ? textLine({ ...described, ...own }, { hasStacks }) : jsonLine(described, own);
      }),
    ),
    transports: [new transports.Stream({ stream: writableOf(destination) })],
  });
}

/** The record's own fields replace those of the same names. */
function jsonLine(fields: LogFields, own: LogFields): string {
  return JSON.stringify({ ...own, ...fields, ...own });
}

function writeTo(destination: LogStream, line: string): void {
  try {
    destination.write(line);
  } catch {
    // A stream of the user's own has thrown. Logging must not fail.
  }
}

function writableOf(destination: LogStream): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line: unknown, _encoding, written) => {
      writeTo(destination, String(line));
      written();
    },
  });
}
