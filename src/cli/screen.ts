/** Standard error with live lines at its end. Whatever else is written goes above them. */
import { clearScreenDown, moveCursor } from 'node:readline';
import { Writable } from 'node:stream';
import { escapeLine } from '../logging/index.js';
import { message } from './output.js';

type Write = typeof process.stdout.write;
type Done = (error?: Error | null) => void;

export class Screen {
  readonly isLive = process.stderr.isTTY;
  readonly #stdout: Write = process.stdout.write.bind(process.stdout);
  readonly #stderr: Write = process.stderr.write.bind(process.stderr);
  #lines: readonly string[] = [];

  /** With `isStdoutTaken` what the program prints goes to standard error, so that standard output holds one JSON object and no more. */
  constructor(options: { readonly isStdoutTaken: boolean }) {
    if (options.isStdoutTaken) process.stdout.write = this.#above(this.#stderr);
    else if (this.isLive && process.stdout.isTTY) process.stdout.write = this.#above(this.#stdout);
  }

  /** For log records. */
  readonly log = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        this.#above(this.#stderr)(String(chunk));
        done();
      },
    }),
    { isTTY: this.isLive },
  );

  /** One line to people, as `say` of output.ts writes it. */
  say(text: string): void {
    this.#above(this.#stderr)(`${message(text)}\n`);
  }

  /** One line of progress, where there are no live lines. */
  progress(line: string): void {
    this.#above(this.#stderr)(`${escapeLine(line)}\n`);
  }

  /** Replaces the live lines. Only where `isLive`. */
  show(lines: readonly string[]): void {
    this.#erase();
    const columns = process.stderr.columns || 80;
    this.#lines = lines.map((line) => escapeLine(line).slice(0, columns - 1));
    this.#draw();
  }

  /** Takes the live lines away, and gives standard output back. */
  close(): void {
    this.show([]);
    process.stdout.write = this.#stdout;
  }

  #above(write: Write): Write {
    return (chunk: Uint8Array | string, second?: BufferEncoding | Done, third?: Done): boolean => {
      this.#erase();
      const isTaken = typeof second === 'function' ? write(chunk, second) : write(chunk, second, third);
      this.#draw();
      return isTaken;
    };
  }

  #erase(): void {
    if (this.#lines.length === 0) return;
    moveCursor(process.stderr, 0, -this.#lines.length);
    clearScreenDown(process.stderr);
  }

  #draw(): void {
    if (this.#lines.length > 0) this.#stderr(`${this.#lines.join('\n')}\n`);
  }
}
