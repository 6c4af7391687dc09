/**
 * Values that do not come from Millrace: what user code throws, returns or gives as a promise, and values of other realms (Jest, vm)
 * and other copies of a package, for which `instanceof` is false. Looking at such a value may itself run user code that throws, so it is
 * done here, guarded.
 */
import { HandlerError } from './errors.js';

/** Not imported: for an ES module Node reads every property of node:util, and some load worker_threads and net. */
const { inspect, types } = process.getBuiltinModule('node:util');

/** Characters of a value that is no error, in a message. */
const TEXT_CHARACTERS = 1_000;
const UNREADABLE = 'a value that cannot be read';

/** Property of a method that says what `console.log` shows of an object: that of Node, which has it under this name in every realm. */
export const inspectKey: unique symbol = Symbol.for('nodejs.util.inspect.custom');

/** An error of any realm. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    // A proxy, whose traps throw.
    return false;
  }
}

/** The error itself, where its fields can be read; a HandlerError that describes whatever else was thrown. */
export function errorOf(cause: unknown): Error {
  if (isError(cause)) return isReadable(cause) ? cause : new HandlerError('an error was thrown that cannot be read');
  return new HandlerError(`something that is no Error was thrown: ${textOf(cause)}`, { cause });
}

/** The message of an error, or the text of whatever else was thrown. */
export function messageOf(cause: unknown): string {
  return isError(cause) ? errorOf(cause).message : textOf(cause);
}

/** As `messageOf`, with the name of the error before it. */
export function namedMessageOf(cause: unknown): string {
  if (!isError(cause)) return textOf(cause);
  const { name, message } = errorOf(cause);
  return `${name}: ${message}`;
}

/** The `code` of an error, such as ENOENT of Node's. Undefined for an error without such a text, and for whatever is no error. */
export function codeOf(cause: unknown): string | undefined {
  const code = anyCodeOf(cause);
  return typeof code === 'string' ? code : undefined;
}

/** As `codeOf`, numbers too: those of gRPC and of a DOMException, say. */
export function anyCodeOf(cause: unknown): string | number | undefined {
  try {
    const code: unknown = isError(cause) ? Reflect.get(cause, 'code') : undefined;
    return typeof code === 'string' || typeof code === 'number' ? code : undefined;
  } catch {
    return undefined;
  }
}

/** An object or an array, whose properties may be anything. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * An object that can be a message: no array, Map, Error, Promise or other object of JavaScript itself. An instance of any other class is
 * one, unless the class names itself by `Symbol.toStringTag`.
 */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return (
      Object.getPrototypeOf(value) === Object.prototype || Object.prototype.toString.call(value) === '[object Object]'
    );
  } catch {
    // A proxy, whose traps throw.
    return false;
  }
}

/** Whether an object has a property by which Millrace knows the values that it made, in any copy of it. */
export function hasMark(value: unknown, mark: symbol): boolean {
  try {
    return isRecord(value) && mark in value;
  } catch {
    // A proxy, whose traps throw.
    return false;
  }
}

/** The name and password, or the token, of an address. Files and sockets have none. */
const USER_INFO = /^(?!embedded:|unix:|file:)([a-z][a-z\d+.-]*:\/*)[^]*@/i;

/** A text that a person has given as an address, right or wrong, with `***` for the name and password that it may contain: for messages, logs and tables. */
export function withoutSecrets(text: string): string {
  return text.replace(USER_INFO, '$1***@');
}

/** A value as a literal, for messages that say what was passed: the text `'5'` is not the number 5 there. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return textOf(JSON.stringify(withoutSecrets(value)));
  const text = textOf(value);
  // The fields of an object of a class tell nobody what was given.
  return text.includes('\n') ? (classOf(value) ?? text) : text;
}

/** Undefined for a plain object, an array, and what is no object. */
function classOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Error) return undefined;
  try {
    const { name } = value.constructor;
    return name === '' || name === 'Object' ? undefined : `an object of the class ${name}`;
  } catch {
    return UNREADABLE;
  }
}

/** A value as text for people. */
function textOf(value: unknown): string {
  try {
    const text = typeof value === 'string' ? value : inspect(value, { customInspect: false, depth: 2 });
    return text.length <= TEXT_CHARACTERS ? text : `${text.slice(0, TEXT_CHARACTERS)} ...`;
  } catch {
    return UNREADABLE;
  }
}

/** None of what is read of errors is a getter that throws. */
function isReadable(error: Error): boolean {
  try {
    for (const field of ['code', 'stack', 'cause']) Reflect.get(error, field);
    return typeof error.name === 'string' && typeof error.message === 'string';
  } catch {
    return false;
  }
}

/**
 * A promise for what a promise or thenable gives, of whatever realm or library; undefined for any other value. A promise of this realm
 * whose `then` is the usual one is given back itself.
 */
export function promiseOf(value: unknown): Promise<unknown> | undefined {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined;
  try {
    if (isPlainPromise(value)) return value;
    if (!('then' in value) || typeof value.then !== 'function') return undefined;
    return new Promise((resolve) => resolve(value));
  } catch (error) {
    return Promise.reject(errorOf(error));
  }
}

/** An object that `for await` reads, of whatever realm or library. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isPlainPromise(value: object): value is Promise<unknown> {
  return value instanceof Promise && value.constructor === Promise && value.then === Promise.prototype.then;
}
