/**
 * Runs command lines in one process, one after the other: each message of its parent is a `CommandLine`, and is answered by an `Ended`. To start a
 * process takes longer than most commands.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { runCommand } from '#src/cli/command-line.js';
import { Interrupts } from '#src/cli/interrupts.js';
import type { CommandLine, Ended } from './millrace.js';

/** What a command throws that ends its process. */
class Exit extends Error {}

/** What a command has written until it ended. */
class Running {
  readonly #texts = { stdout: '', stderr: '' };
  #code: number | undefined;

  get hasEnded(): boolean {
    return this.#code !== undefined;
  }

  write(name: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    if (!this.hasEnded) this.#texts[name] += Buffer.from(chunk).toString();
  }

  end(code: number): void {
    this.#code ??= code;
  }

  get ended(): Ended {
    return { code: this.#code ?? null, ...this.#texts };
  }
}

const interrupts = new Interrupts();
const environment = { ...process.env };
const current = new AsyncLocalStorage<Running>();

process.exit = (code): never => {
  const running = current.getStore();
  running?.end(Number(code ?? process.exitCode));
  throw new Exit();
};
// The timer by which a run ends a program that goes on: the next command has begun.
process.on('uncaughtException', (error) => {
  if (!(error instanceof Exit)) throw error;
});

let last = Promise.resolve();
process.on('message', (line: CommandLine) => {
  last = last.then(() => run(line));
});

async function run({ words, env = {} }: CommandLine): Promise<void> {
  const running = new Running();
  const released = [capture('stdout'), capture('stderr')];
  process.env = { ...environment, ...env };
  process.exitCode = 0;
  try {
    await current.run(running, () => runCommand(words, interrupts));
    running.end(Number(process.exitCode));
  } finally {
    for (const release of released) release();
    process.exitCode = 0;
  }
  process.send?.(running.ended);

  function capture(name: 'stdout' | 'stderr'): () => void {
    const stream = process[name];
    const write = (chunk: string | Uint8Array, ...more: unknown[]): boolean => {
      running.write(name, chunk);
      const done = more.at(-1);
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
    stream.write = write;
    // Its own is that of its prototype.
    return () => void Reflect.deleteProperty(stream, 'write');
  }
}
