/** The only file that knows winston. */
import { Writable } from 'node:stream';
import type winston from 'winston';
import vendored from '../vendored.cjs';
import { ResourceError } from '../errors.js';
import { describeFields } from './describe-fields.js';
import type { Logger, LogLevel } from './logger.js';
import { writingLogger } from './writing-logger.js';

/** Where lines go: a writable stream of Node, such as `process.stdout`. Ours is a type without Node's, which not every program has. */
export interface LogStream {
  readonly isTTY?: boolean | undefined;
  write(line: string): unknown;
}

export interface LoggerOptions {
  /** Records below it are dropped. Default: info. */
  readonly level?: LogLevel;
  /** One JSON object a line, or text for people; auto is text on a terminal, JSON otherwise. Default: auto. */
  readonly format?: 'json' | 'text' | 'auto';
  /** Default: standard error, so that standard output stays the program's own. */
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
  // What a record is made of comes last: a field named `message` or `level` must not replace it.
  return writingLogger(level, (name, message, fields) => {
    backend ??= createBackend(level, options);
    backend.log({ ...describeFields(fields), level: name, message });
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
  { format = 'auto', destination = process.stderr }: LoggerOptions,
): winston.Logger {
  const { createLogger: create, format: formats, transports } = load();
  const isText = format === 'text' || (format === 'auto' && destination.isTTY === true);
  return create({
    level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: formats.combine(formats.timestamp(), isText ? formats.printf(textLine) : formats.json()),
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

/** `12:30:01.250 warn  mailbox is full  actor=system/pricing messages=65536`, and the stacks of errors on lines of their own. */
function textLine({ timestamp, level, message, ...fields }: winston.Logform.TransformableInfo): string {
  const time = typeof timestamp === 'string' ? timestamp.slice(11, 23) : '';
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${inText(value)}`);
  return [`${time} ${level.padEnd(5)} ${String(message)}`, pairs.join(' '), ...stacksOf(fields)]
    .filter((part) => part !== '')
    .join('  ');
}

function inText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (isRecord(value) && typeof value['message'] === 'string') return JSON.stringify(value['message']);
  return JSON.stringify(value) ?? 'undefined';
}

function stacksOf(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.values(fields).flatMap((value) =>
    isRecord(value) && typeof value['stack'] === 'string' ? [`\n${value['stack']}`] : [],
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
