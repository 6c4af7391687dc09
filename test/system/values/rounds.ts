import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { eventually } from '../../support/until.js';
import { CommandedProcess } from '../commanded-process.js';

const PROGRAM = fileURLToPath(new URL('stream-program.js', import.meta.url));
const CLI = fileURLToPath(import.meta.resolve('#src/cli/main.js'));

/** The owner writes values, the publisher sends them on, and the subscriber reads them. */
export const STREAM_ROLES = ['owner', 'publisher', 'subscriber'] as const;
export type StreamRole = (typeof STREAM_ROLES)[number];

/** What one process has done in a round. */
export interface Part {
  readonly moved: number;
  readonly faults: readonly string[];
  /** The name of the error with which its stream has ended. */
  readonly error: string;
}

/** What a process has of memory: values, blocks of its pool, mapped arenas of all processes, and their files. */
export type Memory = Readonly<Record<'owned' | 'held' | 'blocks' | 'files' | 'mappings', number>>;

/** The load goes on for so long at most before the kill, in ms. */
const LOAD_MS = 300;

/** Three processes of a stream of values, and a control plane, which has no part in it. */
export class StreamFleet {
  readonly #processes = new Map<StreamRole, CommandedProcess>();
  #control: Runtime | undefined;
  #base: Memory | undefined;
  #started = 0;

  async start(): Promise<void> {
    this.#control = await Runtime.start({ listen: 'unix:', keyless: 'loopback', ucx: 'off', log: silentLogger });
    for (const role of STREAM_ROLES) await this.#begin(role);
    this.#base = await this.#process('owner').send<Memory>('held');
  }

  async #begin(role: StreamRole): Promise<void> {
    const node = `${role}-${++this.#started}`;
    const process = new CommandedProcess(PROGRAM, [this.#control?.controlPlane ?? '', node]);
    this.#processes.set(role, process);
    await process.started();
  }

  /** Kills one of the three while values move, waits until the others have nothing of it, and starts another one in its place. */
  async round(number: number, killed: StreamRole, random: () => number): Promise<readonly Part[]> {
    await Promise.all(STREAM_ROLES.map((role) => this.#process(role).send('begin', role, String(number))));
    await eventually(async () => (await this.#process('subscriber').send<number>('moved')) > 0);
    await setTimeout(random() * LOAD_MS);
    await this.#process(killed).kill();
    const others = STREAM_ROLES.filter((role) => role !== killed);
    const parts = await Promise.all(others.map((role) => this.#process(role).send<Part>('end')));
    for (const role of others) await this.#expectBase(role);
    await this.#expectHealthy();
    await this.#begin(killed);
    return parts;
  }

  /** A process has as much memory as before the first value. */
  async #expectBase(role: StreamRole): Promise<void> {
    let left: Memory | undefined;
    await eventually(async () => {
      left = await this.#process(role).send<Memory>('held');
      return Object.entries(this.#base ?? {}).every(([name, count]) => left?.[name as keyof Memory] === count);
    }).catch(() => expect(left, `memory of the ${role}`).to.deep.equal(this.#base));
  }

  /** What `millrace doctor` prints names nothing that a process has left. */
  async #expectHealthy(): Promise<void> {
    const address = this.#control?.controlPlane ?? '';
    const env = { ...process.env, MILLRACE_KEYLESS: 'loopback', MILLRACE_UCX: 'off' };
    await promisify(execFile)(process.execPath, [CLI, 'doctor', '--control-plane', address], { env });
  }

  async stop(): Promise<void> {
    for (const process of this.#processes.values()) await process.stop();
    this.#processes.clear();
    await this.#control?.stop();
  }

  /** After a failure. */
  async close(): Promise<void> {
    for (const process of this.#processes.values()) await process.kill();
    await this.#control?.stop();
  }

  #process(role: StreamRole): CommandedProcess {
    const process = this.#processes.get(role);
    if (process === undefined) throw new Error(`no process is the ${role}`);
    return process;
  }
}
