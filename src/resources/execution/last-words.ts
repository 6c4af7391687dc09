import { writeSync } from 'node:fs';
import { describeThrown, type Thrown } from './execution.js';

/** File descriptor at which a process that `startProcess` has started says what it throws. */
export const LAST_WORDS_FD = 3;
const MAX_CHARACTERS = 10_000;

/** In such a process: what nobody catches is told to the one that started it, and ends this one. */
export function tellLastWords(): void {
  process.on('uncaughtException', (error: unknown) => {
    // User code that listens, too, decides what comes of it.
    if (process.listenerCount('uncaughtException') > 1) return;
    try {
      writeSync(LAST_WORDS_FD, JSON.stringify(describeThrown(error)));
    } catch {
      // Nobody is there who would read it.
    }
    process.exit(1);
  });
}

/** Reads them from the parts in which they come. Undefined where there were none. */
export function thrownIn(parts: readonly Buffer[]): Thrown | undefined {
  const text = Buffer.concat(parts).toString();
  if (text === '') return undefined;
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    // It died while it spoke.
  }
  return isThrown(said) ? said : { what: text.slice(0, MAX_CHARACTERS), stack: undefined };
}

function isThrown(said: unknown): said is Thrown {
  return typeof said === 'object' && said !== null && 'what' in said && typeof said.what === 'string';
}
