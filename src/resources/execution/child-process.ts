import { type ChildProcess, spawn } from 'node:child_process';
import { type Readable, Transform } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import type { Scheduler } from '../../scheduler/index.js';
import type { Ending, Execution, Program } from './execution.js';
import { LAST_WORDS_FD, LAST_WORDS_ON_STDERR, MarkedLastWords, thrownIn } from './last-words.js';

/** Time for the process's final output to arrive, in ms: its own child processes may hold the pipes open for ever. */
const LAST_WORDS_MS = 500;

/**
 * Runs a program in a child process, with this Node and its options. The child reads its start data from standard input with
 * `readStart`. Standard input stays open until the child must end, so that it ends with this process. The child has its own process
 * group: only this process receives a terminal's signals. Its output is copied to the standard output and error of this process.
 */
export function startProcess({ url, name, start, through, output }: Program, scheduler: Scheduler): Execution {
  const own = [process.execPath, ...inheritedOptions(process.execArgv), fileURLToPath(url)];
  const [command = process.execPath, ...words] = through === undefined ? own : through([...own, LAST_WORDS_ON_STDERR]);
  const child = spawn(command, words, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(through === undefined && { argv0: name }),
    detached: true,
  });
  if (child.pid === undefined) return unborn(child);
  const lastWords: Buffer[] = [];
  const ended = endOf(child, scheduler, lastWords);
  const errors = through === undefined ? child.stderr : child.stderr.pipe(withoutLastWords(lastWords));
  if (output === undefined) {
    copy(child.stdout, process.stdout);
    copy(errors, process.stderr);
  } else {
    child.stdout.on('data', (chunk: Buffer) => output(chunk, false));
    errors.on('data', (chunk: Buffer) => output(chunk, true));
  }
  // The child may exit before it has read anything; `ended` reports that.
  child.stdin.on('error', () => {});
  const data = serialize(start);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  child.stdin.write(Buffer.concat([length, data]));
  return {
    place: `process ${child.pid}`,
    threadId: undefined,
    ended,
    end: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The system refused to start the process: it lacks descriptors, memory or the program. The child may have no streams. */
function unborn(child: ChildProcess): Execution {
  const ended = new Promise<Ending>((resolve) => {
    child.on('error', (error) => resolve({ isClean: false, cause: `it could not be started: ${error.message}` }));
  });
  return { place: 'a process', threadId: undefined, ended, end: () => {}, kill: () => {} };
}

/** As `pipe`, which would add a listener to `to` for each process; there may be many. */
function copy(from: Readable, to: NodeJS.WriteStream): void {
  from.on('data', (chunk: Buffer) => {
    from.pause();
    to.write(chunk, () => from.resume());
  });
}

/** What a process that another command has started writes to standard error; its last words go to `lastWords`. */
function withoutLastWords(lastWords: Buffer[]): Transform {
  const marked = new MarkedLastWords();
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const { shown, words } = marked.divide(chunk);
      lastWords.push(words);
      done(null, shown);
    },
    flush: (done) => done(null, marked.rest()),
  });
}

function endOf(child: ChildProcess, scheduler: Scheduler, lastWords: Buffer[]): Promise<Ending> {
  child.stdio[LAST_WORDS_FD]?.on('data', (part: Buffer) => lastWords.push(part)).on('error', () => {});
  return new Promise((resolve) => {
    // A signal that could not be sent, for example. 'exit' reports the end in any case.
    child.on('error', () => {});
    child.on('exit', () => {
      const timer = scheduler.setTimer(LAST_WORDS_MS, () => child.stdio.forEach((stream) => stream?.destroy()));
      child.on('close', (code, signal) => {
        scheduler.clearTimer(timer);
        const thrown = thrownIn(lastWords);
        if (thrown !== undefined) resolve({ isClean: false, cause: `it threw ${thrown.what}`, stack: thrown.stack });
        else if (signal !== null) resolve({ isClean: false, cause: `it was ended by ${signal}` });
        else resolve({ isClean: code === 0, cause: `it ended with exit code ${code}` });
      });
    });
  });
}

/** Node options that select what this process runs, and so must not be inherited: with a value in the next argument, or without. */
const WITH_VALUE = ['-e', '--eval', '-p', '-pe', '--print', '--input-type', '--watch-path'];
const ALONE = ['-i', '--interactive', '-c', '--check', '--test', '--test-only', '--watch', '--watch-preserve-output'];

/** Node options that apply to child processes too. Two processes cannot listen for debuggers at one port. */
export function inheritedOptions(options: readonly string[]): string[] {
  return options.filter((option, index) => {
    const isValue = WITH_VALUE.includes(options[index - 1] ?? '');
    const isOwn = [...WITH_VALUE, ...ALONE].some((own) => option === own || option.startsWith(`${own}=`));
    return !isValue && !isOwn && !option.startsWith('--inspect') && !option.startsWith('--test-');
  });
}
