/** The processes of a run's application: a worker on each node but the first, and the head there. */
import { constants } from 'node:os';
import { cwd } from 'node:process';
import { pathToFileURL } from 'node:url';
import type { Launcher, LostWorker, StartedWorker } from '../actors/services/index.js';
import { AskTimeoutError, UnreachableError } from '../index.js';
import { packageFile } from '../installation.js';
import { v1 } from '../protocol/index.js';
import { ExitCode } from './exit-codes.js';

/** Time in ms for one question whether a process has ended; it is asked again. */
const JOIN_MS = 30_000;
const START_MS = 60_000;

export interface ApplicationOptions {
  readonly launcher: Launcher;
  readonly nodes: number;
  /** What runs on a node: a program of the package, and its arguments. */
  readonly worker: NodeProgram;
  readonly head: NodeProgram;
  /** A worker has ended after it had joined the run. Not called once the run is being torn down. */
  readonly workerEnded: (worker: LostWorker) => void;
}

export interface NodeProgram {
  readonly program: string;
  readonly arguments: readonly string[];
}

/** A runtime that offers its partitions, and does nothing else. */
export const PLAIN_WORKER: NodeProgram = { program: 'dist/actors/services/programs/worker.js', arguments: [] };

const { PROCESS, CHANNEL } = v1.ResourceKind;

/** Starts the processes of the application of a run that is up. */
export class Application {
  readonly #options: ApplicationOptions;
  #tag = 0n;

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  /** Resolves to the exit code of the head. */
  async run(): Promise<number> {
    const { launcher, nodes, worker, head, workerEnded } = this.#options;
    await launcher.step(v1.Step.WORKERS, async () => {
      const others = Array.from({ length: nodes - 1 }, (_, index) => index + 1);
      await Promise.all(
        others.map(async (index) => {
          const { process, ended } = await this.startWorker(index, worker, cwd());
          void ended.then((cause) => {
            if (!launcher.isGoingDown) workerEnded({ node: `node-${index}`, process, cause });
          });
        }),
      );
    });
    const started = await launcher.step(v1.Step.HEAD, () => this.#create('head', 0, head, cwd()));
    return exitCodeOf(await end(launcher, started));
  }

  /** Starts a worker on a node. Resolves when it has joined the run. */
  async startWorker(node: number, program: NodeProgram, folder: string): Promise<StartedWorker> {
    const { launcher } = this.#options;
    const worker = await this.#create(`worker-${node}`, node, program, folder);
    const ended = end(launcher, worker);
    await joined(launcher, worker, ended);
    const how = ended.then(
      ({ exit }) => described(exit),
      // Global services do not answer: the launcher hears of that elsewhere.
      () => new Promise<never>(() => {}),
    );
    return { process: worker.name, ended: how };
  }

  #create(
    name: string,
    node: number,
    { program, arguments: words }: NodeProgram,
    folder: string,
  ): Promise<v1.ResourceDescriptor> {
    const module = pathToFileURL(packageFile(program, 'A run has programs of its own.')).href;
    const spec = v1.ProcessToStart.create({ module, arguments: words, folder });
    const request = { tag: ++this.#tag, kind: PROCESS, name, node, process: spec };
    return this.#options.launcher.services.ask((services) => services.create(request, { timeoutMs: START_MS }));
  }
}

/** Resolves when the runtime of a process has joined the run. Rejects with UnreachableError when the process ends before. */
async function joined(
  launcher: Launcher,
  { id, name }: v1.ResourceDescriptor,
  ended: Promise<v1.ResourceDescriptor>,
): Promise<void> {
  const runtime = `millrace/runtime/${id}`;
  const channel = v1.ResourceToQuery.create({ kind: CHANNEL, which: { case: 'name', value: runtime } });
  const there = launcher.services.ask((services) => services.join(channel, { timeoutMs: START_MS }));
  const lost = ended.then(({ exit }) => {
    throw new UnreachableError(`Process "${name}" has ended before it joined the run: ${described(exit)}.`);
  });
  await Promise.race([there, lost]);
}

/** Resolves when a process has ended. */
async function end(launcher: Launcher, { id }: v1.ResourceDescriptor): Promise<v1.ResourceDescriptor> {
  const process = v1.ResourceToQuery.create({ kind: PROCESS, which: { case: 'id', value: id } });
  for (;;) {
    try {
      return await launcher.services.ask((services) => services.join(process, { timeoutMs: JOIN_MS }));
    } catch (error) {
      if (!(error instanceof AskTimeoutError) && !isTimeout(error)) throw error;
    }
  }
}

function isTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'handlerCode' in error && error.handlerCode === 'ASK_TIMEOUT';
}

/** That of the program; after a signal as shells count. */
function exitCodeOf({ exit }: v1.ResourceDescriptor): number {
  if (exit?.code !== undefined) return exit.code;
  const number = Object.entries(constants.signals).find(([name]) => name === exit?.signal)?.[1];
  return number === undefined ? ExitCode.failed : 128 + number;
}

function described(exit: v1.ProcessExit | undefined): string {
  if (exit === undefined || exit.failure !== '') return exit?.failure ?? 'nobody knows why';
  return exit.code === undefined ? `it was ended by ${exit.signal}` : `it ended with exit code ${exit.code}`;
}
