import { writeSync } from 'node:fs';
import { describeThrown, type Thrown } from './execution.js';

/** File descriptor to which a process that `startProcess` has started writes an uncaught exception. */
export const LAST_WORDS_FD = 3;
const MAX_CHARACTERS = 10_000;

/** Reports an uncaught exception to the process that started this one, and exits. */
export function tellLastWords(): void {
  process.on('uncaughtException', (error: unknown) => {
    // If user code listens too, it decides what happens.
    if (process.listenerCount('uncaughtException') > 1) return;
    try {
      writeSync(LAST_WORDS_FD, JSON.stringify(describeThrown(error)));
    } catch {
      // The parent process has closed the pipe, or has ended.
    }
    process.exit(1);
  });
}

/** Parses the report from its chunks. Undefined where there was none. */
export function thrownIn(parts: readonly Buffer[]): Thrown | undefined {
  const text = Buffer.concat(parts).toString();
  if (text === '') return undefined;
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    // The process ended while it wrote the report.
  }
  return isThrown(said) ? said : { what: text.slice(0, MAX_CHARACTERS), stack: undefined };
}

function isThrown(said: unknown): said is Thrown {
  return typeof said === 'object' && said !== null && 'what' in said && typeof said.what === 'string';
}
