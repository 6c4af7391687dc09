import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import type { Ending, Execution, Program } from './execution.js';

/**
 * Runs a program in a process of its own, with this Node and its options. It is given its data on standard input, as `readStart` reads
 * it; that stays open as long as this process lives, so that its end tells the other of ours. What it prints goes to the standard output
 * and error of this process.
 */
export function startProcess({ url, name, start }: Program): Execution {
  const child = spawn(process.execPath, [...inheritedOptions(), fileURLToPath(url)], { stdio: 'pipe', argv0: name });
  let failure: string | undefined;
  const ended = new Promise<Ending>((resolve) => {
    child.on('error', (error) => {
      failure = error.message;
      // Where it could not even be started there is no other event.
      if (child.pid === undefined) resolve({ isClean: false, cause: `it could not be started: ${failure}` });
    });
    child.on('close', (code, signal) => {
      const how = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
      resolve({ isClean: code === 0 && signal === null, cause: how });
    });
  });
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  // It may be gone before it has read anything: `ended` tells.
  child.stdin.on('error', () => {});
  const data = serialize(start);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  child.stdin.write(Buffer.concat([length, data]));
  return {
    place: `process ${child.pid ?? 'unborn'}`,
    threadId: undefined,
    ended,
    end: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Two processes cannot listen for debuggers at one port. */
function inheritedOptions(): string[] {
  return process.execArgv.filter((option) => !option.startsWith('--inspect'));
}
