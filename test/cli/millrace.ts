/** Runs the `millrace` command as users do: a process of its own. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const FLIGHTS = resolve('examples/flights');
export const MAIN = resolve('dist/cli/millrace.js');
const COMMAND_LINES = fileURLToPath(new URL('./command-lines.js', import.meta.url));

export interface CommandLine {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves to standard error when it holds `text`; rejects when the process ends before. */
  says(text: string): Promise<string>;
}

/** A process that runs one command line after the other. */
class Answerer {
  readonly #child: ChildProcess;
  #said = '';
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#child = fork(COMMAND_LINES, { cwd: folder, silent: true });
    const keep = (chunk: Buffer): void => void (this.#said += chunk.toString());
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  ask(line: CommandLine): Promise<Ended> {
    const answer = this.#last.then(() => this.#answer(line));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async end(): Promise<void> {
    if (!this.#child.connected) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  #answer(line: CommandLine): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error(`The process of the command lines has ended: ${this.#said}`));
      if (!this.#child.connected) return lost();
      this.#child.once('disconnect', lost);
      this.#child.once('message', (ended: Ended) => {
        this.#child.off('disconnect', lost);
        if (this.#said === '') resolve(ended);
        else reject(new Error(`"${line.words.join(' ')}" has written past its streams: ${this.#said}`));
      });
      this.#child.send(line);
    });
  }
}

/** A folder for one test file, in which the command runs: what it writes goes there. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  #answerer: Answerer | undefined;
  readonly #running = new Set<Started>();

  constructor() {
    symlinkSync(resolve('node_modules'), join(this.path, 'node_modules'));
    writeFileSync(join(this.path, 'package.json'), '{ "type": "module" }');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  /** A module with a pipeline of a source and a sink. `read` and `print` are bodies of async functions. */
  writePipeline(
    name: string,
    { read, print = 'for await (const flight of input);' }: { read: string; print?: string },
  ): void {
    const types = JSON.stringify(join(FLIGHTS, 'gen/flights.js'));
    this.write(
      name,
      `import { pipeline } from 'millrace';
import { Flight } from ${types};
export default pipeline('test', import.meta.url, (p, args) => {
  const flights = p.source('read', Flight, async (output, context) => { ${read} });
  p.sink('print', flights, async (input, context) => { ${print} });
});
`,
    );
  }

  start(words: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
    return this.#start([process.execPath, MAIN, ...words], env);
  }

  /** As `start`, by a command that runs another one elsewhere. */
  startBy(
    through: (command: readonly string[]) => readonly string[],
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Started {
    return this.#start(through([process.execPath, MAIN, ...words]), env);
  }

  #start([command = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): Started {
    const child = spawn(command, args, {
      cwd: this.path,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    let look = (): void => {};
    child.stdout?.on('data', (chunk: Buffer) => void (texts.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => {
      texts.stderr += chunk.toString();
      look();
    });
    const ended = new Promise<Ended>((end) => child.on('close', (code) => end({ code, ...texts })));
    const says = (text: string): Promise<string> =>
      new Promise((said, reject) => {
        look = () => {
          if (texts.stderr.includes(text)) said(texts.stderr);
        };
        look();
        void ended.then(({ stderr }) => reject(new Error(`It ended without saying "${text}": ${stderr}`)));
      });
    const started = { child, ended, says };
    this.#running.add(started);
    void ended.then(() => this.#running.delete(started));
    return started;
  }

  run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(words, env).ended;
  }

  /**
   * As `run`, but in the one process of this folder that answers all that is asked: where the process is not the point. It loads each module once,
   * however often that is written.
   */
  ask(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    this.#answerer ??= new Answerer(this.path);
    return this.#answerer.ask({ words, env });
  }

  /** Ends what a test that failed has left: it would keep the process of the tests alive. */
  async remove(): Promise<void> {
    const left = [...this.#running];
    for (const { child } of left) child.kill('SIGKILL');
    await Promise.all([this.#answerer?.end(), ...left.map(({ ended }) => ended)]);
    rmSync(this.path, { recursive: true });
  }
}

/** What --json prints. */
export interface Summary {
  readonly result: string;
  readonly time: string;
  readonly seconds: number;
  readonly seed?: number;
  readonly segments: readonly { readonly segment: string }[];
  readonly undeclared?: readonly { readonly type: string; readonly place: string }[];
}

export function summaryOf({ stdout }: Ended): Summary {
  return JSON.parse(stdout) as Summary;
}

/** Standard error without log records and progress. */
export function messages({ stderr }: Ended): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('millrace: '));
}
