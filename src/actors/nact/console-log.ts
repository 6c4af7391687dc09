import type { HasSystem } from '../kernel/index.js';
import { type LoggingEngine, LogLevel, type LogMsg } from './logging.js';
import { spawnStateless } from './spawn.js';

type Print = (text: string) => void;

/** A console, or an object with some of its methods. */
export interface ConsoleProxy {
  readonly log?: Print;
  readonly trace?: Print;
  readonly debug?: Print;
  readonly info?: Print;
  readonly warn?: Print;
  readonly error?: Print;
  readonly critical?: Print;
}

export interface ConsoleLoggerProperties {
  /** Default: `console`. A method that is missing is replaced by that of the level below. */
  readonly consoleProxy?: ConsoleProxy;
  /** Makes the line of a message. */
  readonly formatter?: (message: LogMsg) => string;
  /** Name of the actor. Default `console-logger`. */
  readonly name?: string;
}

/** A logging engine whose actor prints each message to the console. */
export function logToConsole({ consoleProxy, formatter = lineOf, name }: ConsoleLoggerProperties = {}): LoggingEngine {
  const printers = printersOf(consoleProxy ?? console);
  const print = (message: LogMsg): void => printers[levelOf(message)]?.(formatter(message));
  return (runtime: HasSystem) => spawnStateless(runtime, print, name ?? 'console-logger');
}

/** By level. */
function printersOf(proxy: ConsoleProxy): readonly (Print | undefined)[] {
  const { log, trace, debug, info, warn, error, critical } = proxy;
  let lower: Print | undefined;
  return [undefined, trace ?? log, debug, info, warn, error, critical].map((own) => {
    lower = own ?? lower;
    return lower && lower.bind(proxy);
  });
}

function levelOf(message: LogMsg): LogLevel {
  switch (message.type) {
    case 'trace':
      return message.level;
    case 'exception':
      return LogLevel.ERROR;
    case 'event':
    case 'metric':
      return LogLevel.INFO;
  }
}

function lineOf(message: LogMsg): string {
  const head = `${nameOf(message)} @ ${message.createdAt.toISOString()}] ${pathOf(message.actor)}`;
  switch (message.type) {
    case 'trace':
      return `[${head} - ${message.message}`;
    case 'exception':
      return `[${head} - ${String(message.exception)}`;
    case 'event':
      return `[${head} - ${message.name}: ${JSON.stringify(message.properties, undefined, 4)}`;
    case 'metric':
      return `[${head} - ${message.name}: ${JSON.stringify(message.values, undefined, 4)}`;
  }
}

function nameOf(message: LogMsg): string {
  if (message.type !== 'trace') return message.type.toUpperCase();
  return Object.entries(LogLevel).find(([, level]) => level === message.level)?.[0] ?? 'OFF';
}

function pathOf(actor: object): string {
  return 'path' in actor ? String(actor.path) : 'nobody';
}
