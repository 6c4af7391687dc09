/** The processes of a run's application: a worker on each node but the first, and the head there. */
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { Launcher } from '../actors/services/index.js';
import type { ActorRef } from '../actors/kernel/index.js';
import { launcherPUid } from '../ids/index.js';
import { AskTimeoutError, StoppedError, UnreachableError } from '../index.js';
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

export interface LostWorker {
  readonly node: string;
  readonly process: string;
  /** A clause: `it was ended by SIGKILL`. */
  readonly cause: string;
}

type Services = ActorRef<typeof v1.GlobalServices>;

const { PROCESS, CHANNEL } = v1.ResourceKind;

/** Starts the application of a run that is up. Resolves to the exit code of its head. */
export async function runApplication(options: ApplicationOptions): Promise<number> {
  const { launcher, nodes, worker: workerProgram, head: headProgram, workerEnded } = options;
  const services = launcher.globalServices;
  if (services === undefined) throw new StoppedError('The run is not up.');
  let tag = 0n;
  const create = (name: string, node: number, { program, arguments: words }: NodeProgram) =>
    services.create(
      {
        tag: ++tag,
        requester: launcherPUid,
        kind: PROCESS,
        name,
        node,
        process: v1.ProcessToStart.create({
          module: pathToFileURL(packageFile(program, 'A run has programs of its own.')).href,
          arguments: words,
          folder: process.cwd(),
        }),
      },
      { timeoutMs: START_MS },
    );
  await launcher.step(v1.Step.WORKERS, async () => {
    const others = Array.from({ length: nodes - 1 }, (_, index) => index + 1);
    await Promise.all(
      others.map(async (node) => {
        const worker = await create(`worker-${node}`, node, workerProgram);
        const ended = end(services, worker);
        await joined(services, worker, ended);
        ended.then(
          ({ exit }) => {
            const lost = { node: `node-${node}`, process: worker.name, cause: described(exit) };
            if (!launcher.isGoingDown) workerEnded(lost);
          },
          // Global services do not answer: the launcher hears of that elsewhere.
          () => {},
        );
      }),
    );
  });
  const head = await launcher.step(v1.Step.HEAD, () => create('head', 0, headProgram));
  const ended = await end(services, head);
  return exitCodeOf(ended);
}

/** Resolves when the runtime of a process has joined the run. Rejects with UnreachableError when the process ends before. */
async function joined(
  services: Services,
  { id, name }: v1.ResourceDescriptor,
  ended: Promise<v1.ResourceDescriptor>,
): Promise<void> {
  const runtime = `millrace/runtime/${id}`;
  const there = services.join({ kind: CHANNEL, which: { case: 'name', value: runtime } }, { timeoutMs: START_MS });
  const lost = ended.then(({ exit }) => {
    throw new UnreachableError(`Process "${name}" has ended before it joined the run: ${described(exit)}.`);
  });
  await Promise.race([there, lost]);
}

/** Resolves when a process has ended. */
async function end(services: Services, { id }: v1.ResourceDescriptor): Promise<v1.ResourceDescriptor> {
  for (;;) {
    try {
      return await services.join({ kind: PROCESS, which: { case: 'id', value: id } }, { timeoutMs: JOIN_MS });
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
