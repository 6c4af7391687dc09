import { ConfigError } from '../errors.js';
import { limits } from '../limits.js';

const KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** Throws ConfigError for a key that a store cannot have. Every store has the same keys, so that a program can change from one to another. */
export function checkKey(key: string): void {
  if (typeof key === 'string' && key.length <= limits.storeKeyCharacters && KEY.test(key)) return;
  throw new ConfigError(
    `${JSON.stringify(key)} is no key of a cluster store: a key has words of letters, digits, _ and -, with dots between them, ` +
      `and at most ${limits.storeKeyCharacters} characters.`,
  );
}

/** Throws ConfigError for a value that is too large. */
export function checkValue(key: string, value: Uint8Array): void {
  if (value.byteLength <= limits.storeValueBytes) return;
  throw new ConfigError(
    `The value of the key "${key}" has ${value.byteLength} bytes. A cluster store takes at most ${limits.storeValueBytes} (limit storeValueBytes).`,
  );
}
