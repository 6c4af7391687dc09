import { ConfigError } from '../errors.js';
import { shownValue } from '../foreign.js';
import { nearestName } from './nearest-name.js';
import { isWellFormed } from '../well-formed.js';

/** What an option of a call in code accepts: its type, since the compiler does not see what JavaScript passes. Ranges are checked where they are known. */
export interface Accepted {
  /** Ends the sentence "timeoutMs of an ask must be ...". */
  readonly what: string;
  is(value: unknown): boolean;
}

export type AcceptedOptions = Readonly<Record<string, Accepted>>;

export const accepted = {
  milliseconds: { what: 'a number of milliseconds', is: (value) => typeof value === 'number' },
  number: { what: 'a number', is: (value) => typeof value === 'number' },
  flag: { what: 'true or false', is: (value) => typeof value === 'boolean' },
  text: { what: 'a text of whole characters', is: (value) => typeof value === 'string' && isWellFormed(value) },
  channelId: { what: 'a bigint', is: (value) => typeof value === 'bigint' },
  count: { what: 'a whole number from 1', is: (value) => Number.isSafeInteger(value) && Number(value) >= 1 },
  callback: { what: 'a function', is: (value) => typeof value === 'function' },
  object: { what: 'an object', is: isObject },
  // Not `instanceof`: it may be of another realm.
  signal: {
    what: 'an AbortSignal',
    is: (value) => isObject(value) && 'aborted' in value && 'addEventListener' in value,
  },
  anything: { what: 'any value', is: () => true },
} as const satisfies AcceptedOptions;

/**
 * ConfigError for an option that has another name or another type than those of `known`; one that is undefined counts as left out. `of`
 * says whose options they are.
 */
export function checkOptions(of: string, options: object | undefined, known: AcceptedOptions): void {
  if (options === undefined) return;
  if (!isObject(options)) throw new ConfigError(`the options of ${of} must be an object, not ${shownValue(options)}`);
  let name: string;
  // Without an array of the names: calls come here, too.
  for (name in options) {
    const value = options[name];
    if (value === undefined) continue;
    const option = known[name];
    if (option === undefined) throw unknownOption(of, name, Object.keys(known));
    if (!option.is(value)) throw new ConfigError(`${name} of ${of} must be ${option.what}, not ${shownValue(value)}`);
  }
}

function unknownOption(of: string, name: string, known: readonly string[]): ConfigError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
  return new ConfigError(`${of} has no option ${name}.${hint} It has ${known.join(', ')}.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
