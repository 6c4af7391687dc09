/**
 * Runs many command lines in one process, one after the other: `node command-lines.js`, with `CommandLine[]` as JSON on standard input and `Ended[]`
 * on standard output. To start a process takes longer than most commands.
 */
import { readFileSync } from 'node:fs';
import { runCommand } from '#src/cli/command-line.js';
import { Interrupts } from '#src/cli/interrupts.js';
import type { CommandLine, Ended } from './millrace.js';

const interrupts = new Interrupts();
const environment = { ...process.env };

async function run({ words, env = {} }: CommandLine): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  const released = [capture('stdout'), capture('stderr')];
  process.env = { ...environment, ...env };
  process.exitCode = 0;
  try {
    await runCommand(words, interrupts);
    return { code: Number(process.exitCode), ...texts };
  } finally {
    for (const release of released) release();
  }

  function capture(name: 'stdout' | 'stderr'): () => void {
    const stream = process[name];
    const write = (chunk: string | Uint8Array, ...more: unknown[]): boolean => {
      texts[name] += Buffer.from(chunk).toString();
      const done = more.at(-1);
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
    stream.write = write;
    // Its own is that of its prototype.
    return () => void Reflect.deleteProperty(stream, 'write');
  }
}

const ended: Ended[] = [];
for (const line of JSON.parse(readFileSync(0, 'utf8')) as CommandLine[]) ended.push(await run(line));
process.exitCode = 0;
process.stdout.write(JSON.stringify(ended));
