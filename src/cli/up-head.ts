/**
 * The head of a run: `node up-head.js MODULE-URL INSTANCES [arguments]`, started on the primary node with its launch parameters. A module that
 * exports a pipeline is run on all nodes; one that exports components has them placed on each node; any other is the program itself.
 */
import { fileURLToPath } from 'node:url';
import { messageOf } from '../foreign.js';
import { isComponent, isPipeline } from '../actors/runtime/index.js';
import { importModule } from '../import-module.js';
import { type Component, MillraceError, type Pipeline, Runtime } from '../index.js';
import { ExitCode } from './exit-codes.js';
import { say } from './output.js';
import { parseProgramArgs } from './program-args.js';

const [, , url = '', instances = '', ...words] = process.argv;
// What the module finds if it is a program.
process.argv.splice(1, 3, fileURLToPath(url));

const module = await importModule(url);
const found = module['default'];
const components = Object.values(module).filter(isComponent);
if (isPipeline(found)) await whileUp((runtime) => runPipeline(runtime, found));
else if (components.length > 0) await whileUp((runtime) => placeAll(runtime, components));

/** Runs `work`, and ends this process when it is done, or in order after a signal. */
async function whileUp(work: (runtime: Awaited<ReturnType<typeof Runtime.current>>) => Promise<number>): Promise<void> {
  let exitCode: number = ExitCode.failed;
  try {
    const runtime = await Runtime.current();
    exitCode = await work(runtime);
    await runtime.stop();
  } catch (error) {
    say(error instanceof MillraceError ? error.message : `uncaught error: ${messageOf(error)}`);
    exitCode = error instanceof MillraceError ? ExitCode.failed : ExitCode.internal;
  }
  process.exit(exitCode);
}

type RunningRuntime = Awaited<ReturnType<typeof Runtime.current>>;

async function runPipeline(runtime: RunningRuntime, pipeline: Pipeline): Promise<number> {
  const args = parseProgramArgs(words, pipeline);
  const run = await runtime.run(pipeline, { args, instances: countsOf(instances) });
  let isStopped = false;
  onSignal(() => {
    isStopped = true;
    run.stop().catch((error: unknown) => say(`The run could not be stopped in order: ${messageOf(error)}`));
  });
  try {
    await run.done;
    return ExitCode.ok;
  } catch (error) {
    if (isStopped) return ExitCode.terminated;
    throw error;
  }
}

/** `tally=4,print=1`, as `millrace up` has read it: that file needs the library of the command line, which takes long to load. */
function countsOf(text: string): Readonly<Record<string, number>> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.lastIndexOf('=');
      return [pair.slice(0, at), Number(pair.slice(at + 1))];
    }),
  );
}

/** One actor of each component on each node, in a group that has the component's name. */
async function placeAll(runtime: RunningRuntime, all: readonly Component[]): Promise<number> {
  const nodes = Number(process.env['MILLRACE_NODES'] ?? 1);
  for (const each of all) {
    for (let node = 0; node < nodes; node++) {
      await runtime.place(each, { on: { node: `node-${node}` }, group: each.name, timeoutMs: 60_000 });
    }
  }
  await new Promise<void>((resolve) => onSignal(resolve));
  return ExitCode.terminated;
}

function onSignal(stop: () => void): void {
  process.once('SIGTERM', stop);
}
