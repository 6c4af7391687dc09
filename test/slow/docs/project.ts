import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Step } from './page.js';

const run = promisify(execFile);
const READY_MS = 180_000;
/** Time in ms in which a program that ends by itself has ended. */
const ENDING_MS = 500;

/** The checkout that these tests belong to. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** The ports that the pages use. In a test each is another one, which is free. */
const PORTS = ['3000', '7000'];

type Through = (command: readonly string[], folder: string) => readonly string[];

/** How a project does what the page says. */
interface Manner {
  /** Makes the command that runs another one where the reader is: on another host, say. */
  readonly through?: Through;
  /** Npm does what it is told. Otherwise its result is made without it: npm takes a second to begin, and most pages tell it the same. */
  readonly byNpm?: boolean;
}

const NEW_PACKAGE = 'npm init -y && npm pkg set type=module';

interface Job {
  readonly command: string;
  readonly process: ChildProcess;
  readonly ended: Promise<unknown[]>;
}

/**
 * A reader's folder: does what a page says, step by step. What the reader would install from the registry is linked from the checkout,
 * Millrace itself first of all; only packages that the checkout does not have are installed.
 */
export class Project {
  readonly folder: string;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #jobs: Job[] = [];
  readonly #links = new Set(['.bin/millrace', '.bin/tsc']);

  readonly #through: Through;
  readonly #byNpm: boolean;

  private constructor(folder: string, ports: ReadonlyMap<string, string>, manner: Manner) {
    this.folder = folder;
    this.#ports = ports;
    this.#through = manner.through ?? ((command) => command);
    this.#byNpm = manner.byNpm ?? false;
  }

  static async create(manner: Manner = {}): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-page-'));
    const ports = new Map(await Promise.all(PORTS.map(async (port) => [port, await freePort()] as const)));
    return new Project(folder, ports, manner);
  }

  async do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'file':
        return this.#write(step.path, step.text);
      case 'run':
        return this.#run(step.command, step.prints);
      case 'start':
        return this.#start(step.command, step.prints);
      case 'kill':
        return this.#kill(step.job, step.signal);
    }
  }

  /** Ends what still runs in the background, as Ctrl-C would, and removes the folder. */
  async close(): Promise<void> {
    try {
      // One that ends by itself takes no signals while it does.
      await Promise.race([Promise.all(this.#running().map(({ ended }) => ended)), delay(ENDING_MS)]);
      await Promise.all(this.#running().map((job) => this.#end(job, 'SIGTERM')));
    } finally {
      for (const { process } of this.#jobs) process.kill('SIGKILL');
      await rm(this.folder, { recursive: true });
    }
  }

  /** A text of the page with the ports of this test. */
  withPorts(text: string): string {
    return [...this.#ports].reduce((result, [port, free]) => result.replaceAll(port, free), text);
  }

  async #write(path: string, text: string): Promise<void> {
    const file = join(this.folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, this.withPorts(text));
  }

  async #run(command: string, prints: string | undefined): Promise<void> {
    if (command.startsWith('npm install ')) return this.#install(command);
    if (command === NEW_PACKAGE && !this.#byNpm) return this.#write('package.json', JSON.stringify({ type: 'module' }));
    const { stdout } = await this.#shell(this.#commandOf(command));
    if (prints !== undefined) expect(stdout.trim(), command).to.equal(this.withPorts(prints));
  }

  /** A command of the page, as it runs in this test. */
  #commandOf(command: string): string {
    const here = this.withPorts(command);
    return this.#byNpm ? here : here.replaceAll(/\bnpx (?=\w)/g, './node_modules/.bin/');
  }

  async #install(command: string): Promise<void> {
    const packages = command
      .split(' ')
      .slice(2)
      .filter((word) => !word.startsWith('-'));
    const fromCheckout = packages.filter((name) => existsSync(join(root, 'node_modules', name)));
    const others = packages.filter((name) => !fromCheckout.includes(name));
    for (const name of fromCheckout) this.#links.add(name);
    // npm removes links that it does not know, so it goes first.
    if (others.length > 0) await this.#shell(`npm install --no-audit --no-fund --prefer-offline ${others.join(' ')}`);
    for (const name of this.#links) await this.#link(name);
  }

  async #link(name: string): Promise<void> {
    const path = join(this.folder, 'node_modules', name);
    if (existsSync(path)) return;
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(root, 'node_modules', name), path);
  }

  #shell(command: string): Promise<{ stdout: string; stderr: string }> {
    const [program = '', ...words] = this.#through(['bash', '-c', command], this.folder);
    return run(program, words, { cwd: this.folder, env: outsideNpm() }).catch((error: unknown) => {
      throw new Error(`"${command}" failed: ${outputOf(error)}`, { cause: error });
    });
  }

  async #start(command: string, prints: string): Promise<void> {
    // `exec`: the signal that ends the job goes to the program, not to a shell around it.
    const [program = '', ...words] = this.#through(['bash', '-c', `exec ${this.#commandOf(command)}`], this.folder);
    const process = spawn(program, words, {
      cwd: this.folder,
      env: outsideNpm(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#jobs.push({ command, process, ended: once(process, 'exit') });
    await hasPrinted(process, this.withPorts(prints), command);
  }

  #running(): readonly Job[] {
    return this.#jobs.filter(({ process }) => process.exitCode === null && process.signalCode === null);
  }

  async #kill(word: string, signal: NodeJS.Signals): Promise<void> {
    const [job, ...others] = this.#running().filter(({ command }) => command.includes(word));
    if (job === undefined) throw new Error(`The page ends "${word}", which does not run.`);
    if (others.length > 0) throw new Error(`The page ends "${word}", which several commands have.`);
    await this.#end(job, signal);
  }

  async #end({ command, process, ended }: Job, signal: NodeJS.Signals): Promise<void> {
    process.kill(signal);
    expect(await ended, `the end of "${command}"`).to.deep.equal(signal === 'SIGKILL' ? [null, signal] : [0, null]);
  }
}

/** The environment without what `npm test` adds: an npm that is called here works in the reader's folder. */
function outsideNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name)),
  );
}

function hasPrinted(process: ChildProcess, line: string, command: string): Promise<void> {
  let output = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(late);
      reject(new Error(`"${command}" ${why} before it printed "${line}", but: ${output}`));
    };
    const late = setTimeout(() => fail('took too long'), READY_MS);
    // Not `exit`: what it has printed may come after that.
    process.once('close', () => fail('ended'));
    process.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (!output.split('\n').includes(line)) return;
      clearTimeout(late);
      resolve();
    });
  });
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.');
  return String(address.port);
}

/** What a command that failed has written. */
function outputOf(error: unknown): string {
  if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error)) return String(error);
  return `${String(error.stdout)}${String(error.stderr)}`;
}
