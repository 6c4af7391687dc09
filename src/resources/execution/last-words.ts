import { writeSync } from 'node:fs';
import { describeThrown, type Thrown } from './execution.js';

/** File descriptor to which a process that `startProcess` has started writes an uncaught exception. */
export const LAST_WORDS_FD = 3;
/**
 * Argument of a process that another command starts, by ssh say: only standard input, output and error reach it. Its last words follow a mark
 * on standard error.
 */
export const LAST_WORDS_ON_STDERR = 'last-words-on-stderr';
/** No text begins so. */
const MARK = Buffer.from('\0millrace-last-words\0');
const STDERR_FD = 2;
const MAX_CHARACTERS = 10_000;

/** Reports an uncaught exception to the process that started this one, and exits. */
export function tellLastWords(): void {
  process.on('uncaughtException', (error: unknown) => {
    // If user code listens too, it decides what happens.
    if (process.listenerCount('uncaughtException') > 1) return;
    try {
      const words = Buffer.from(JSON.stringify(describeThrown(error)));
      if (process.argv.includes(LAST_WORDS_ON_STDERR)) writeSync(STDERR_FD, Buffer.concat([MARK, words]));
      else writeSync(LAST_WORDS_FD, words);
    } catch {
      // The parent process has closed the pipe, or has ended.
    }
    process.exit(1);
  });
}

/** Divides standard error of such a process into what it has written, and its last words: all that follows the mark. */
export class MarkedLastWords {
  /** What may be the beginning of the mark. */
  #held: Buffer = Buffer.alloc(0);
  #isMarked = false;

  /** What of a chunk is to be shown, and what are last words. */
  divide(chunk: Buffer): { readonly shown: Buffer; readonly words: Buffer } {
    const none = Buffer.alloc(0);
    if (this.#isMarked) return { shown: none, words: chunk };
    const text = Buffer.concat([this.#held, chunk]);
    const at = text.indexOf(MARK);
    this.#held = none;
    this.#isMarked = at !== -1;
    if (at !== -1) return { shown: text.subarray(0, at), words: text.subarray(at + MARK.length) };
    const end = beginOfMark(text);
    this.#held = text.subarray(end);
    return { shown: text.subarray(0, end), words: none };
  }

  /** What was held back when the stream has ended. */
  rest(): Buffer {
    return this.#held;
  }
}

/** Where the text ends with a beginning of the mark; the length of the text where it does not. */
function beginOfMark(text: Buffer): number {
  const first = Math.max(0, text.length - MARK.length + 1);
  for (let at = first; at < text.length; at += 1) {
    if (MARK.subarray(0, text.length - at).equals(text.subarray(at))) return at;
  }
  return text.length;
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
