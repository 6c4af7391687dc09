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
  /** URL of the module. */
  readonly module: string;
  readonly arguments: readonly string[];
  readonly instances: Readonly<Record<string, number>>;
}

type Services = ActorRef<typeof v1.GlobalServices>;

const { PROCESS, CHANNEL } = v1.ResourceKind;

/** Starts the application of a run that is up. Resolves to the exit code of its head. */
export async function runApplication(options: ApplicationOptions): Promise<number> {
  const { launcher, nodes, module, instances } = options;
  const services = launcher.globalServices;
  if (services === undefined) throw new StoppedError('The run is not up.');
  let tag = 0n;
  const create = (name: string, node: number, program: string, words: readonly string[]) =>
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
        const worker = await create(`worker-${node}`, node, 'dist/actors/services/programs/worker.js', []);
        await joined(services, worker);
      }),
    );
  });
  const counts = Object.entries(instances).map(([segment, count]) => `${segment}=${count}`);
  const words = [module, counts.join(), ...options.arguments];
  const head = await launcher.step(v1.Step.HEAD, () => create('head', 0, 'dist/cli/up-head.js', words));
  const ended = await end(services, head);
  return exitCodeOf(ended);
}

/** Resolves when the runtime of a process has joined the run. Rejects with UnreachableError when the process ends before. */
async function joined(services: Services, process: v1.ResourceDescriptor): Promise<void> {
  const name = `millrace/runtime/${process.id}`;
  const there = services.join({ kind: CHANNEL, which: { case: 'name', value: name } }, { timeoutMs: START_MS });
  const ended = end(services, process).then(({ name, exit }) => {
    throw new UnreachableError(`Process "${name}" has ended before it joined the run: ${described(exit)}.`);
  });
  await Promise.race([there, ended]);
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
