/** The only file that knows winston. */
import { Writable } from 'node:stream';
import type winston from 'winston';
import vendored from '../vendored.cjs';
import { ResourceError } from '../errors.js';
import { describeFields } from './describe-fields.js';
import type { Logger, LogLevel } from './logger.js';
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
  // `level` and `message` come last, so that fields of these names cannot replace them.
  return writingLogger(level, (name, message, fields) => {
    const record = { ...describeFields(fields), level: name, message };
    try {
      backend ??= createBackend(level, options);
    } catch {
      // winston cannot be loaded at this moment, for want of descriptors or memory. The record must not be lost, and must not throw.
      (options.destination ?? process.stderr).write(`${JSON.stringify(record)}\n`);
      return;
    }
    backend.log(record);
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
      isText ? formats.printf((record) => textLine(record, { hasStacks })) : formats.json(),
    ),
    transports: [new transports.Stream({ stream: writableOf(destination) })],
  });
}

function writableOf(destination: LogStream): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line: unknown, _encoding, written) => {
      destination.write(String(line));
      written();
    },
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
