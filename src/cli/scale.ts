/** `millrace scale`: the limits of the containers of a running cluster. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CapacityLimits } from '../actors/component/index.js';
import { openVisitor } from '../actors/runtime/survey/index.js';
import { AskTimeoutError, ConfigError, silentLogger, StoppedError, UnreachableError } from '../index.js';
import { limits } from '../limits.js';
import { readOptionsFile, resolveOptions } from '../options/index.js';
import type { v1 } from '../protocol/index.js';
import { ANSWER_MS, askRun, chosenRun } from './ask-run.js';
import { ExitCode, SCALE_EXIT_CODES } from './exit-codes.js';
import { print, printLine, say } from './output.js';
import { scaleCluster, type ScaledCluster, type StatedLimit } from './scale-pools.js';

interface ScaleFlags {
  readonly node: readonly StatedLimit[];
  readonly network?: number;
  readonly controlPlane?: string;
  readonly json?: boolean;
}

export function addScale(command: Command): void {
  command
    .command('scale')
    .summary('Print and change how many containers the nodes of a running cluster may have.')
    .description(
      'Prints the components that a cluster serves, with their containers. With --node and --network it changes how many containers a node, and the whole network, may have. ' +
        'Where there are more, idle ones are stopped first, and those that have a request when they have answered.',
    )
    .argument('[run]', 'a run of millrace up, as millrace ps prints it (default: the only one)')
    .option('--node <name=n>', 'containers of a node: a number, or none for no limit; may be repeated', nodeLimits, [])
    .option('--network <n>', 'containers of all nodes together: a number, or none for no limit', containersOf)
    .option('--control-plane <address>', 'a cluster that is no run of millrace up: who serves its control plane')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\n${SCALE_EXIT_CODES}\n\nExamples:\n  millrace scale --node node-0=8 --network 12`)
    .action(async (run: string | undefined, flags: ScaleFlags) => {
      process.exitCode = await scale(run, flags);
    });
}

async function scale(
  run: string | undefined,
  { node, network, controlPlane, json = false }: ScaleFlags,
): Promise<number> {
  if (run !== undefined && controlPlane !== undefined) {
    throw new ConfigError('Name a run or --control-plane, not both.');
  }
  const code = controlPlane === undefined ? await clusterOfRun(run) : { controlPlane };
  const { values } = resolveOptions({ code, env: process.env, file: readOptionsFile({ folder: process.cwd() }) });
  const visitor = await openVisitor(values, silentLogger);
  try {
    const stated = network === undefined ? node : [...node, { node: undefined, containers: network }];
    const scaled = await scaleCluster(visitor, stated, { timeoutMs: limits.askTimeoutMs }).catch((error: unknown) => {
      throw isUnreached(error) ? unreached(visitor.controlPlane, values.clusterKeyFile, error) : error;
    });
    if (scaled.loads.length === 0 && scaled.problems.length === 0) {
      throw new ConfigError('No process of the cluster serves components, so that there is nothing to scale.');
    }
    if (json) printJson(scaled);
    else printScaled(scaled);
    for (const problem of scaled.problems) say(`a pool has not answered: ${problem}`);
    return scaled.problems.length === 0 ? ExitCode.ok : ExitCode.failed;
  } finally {
    await visitor.close();
  }
}

function isUnreached(error: unknown): error is Error {
  return [AskTimeoutError, UnreachableError, StoppedError].some((kind) => error instanceof kind);
}

/** A cluster says nothing to those who do not have its key. */
function unreached(address: string, keyFile: string, cause: Error): UnreachableError {
  const remedy =
    keyFile === ''
      ? 'No cluster key is set here: give that of the cluster (MILLRACE_CLUSTER_KEY_FILE)'
      : `It may be ending, or its key is not that of ${keyFile}`;
  return new UnreachableError(`The cluster at ${address} has not answered: ${cause.message} ${remedy}.`, { cause });
}

async function clusterOfRun(
  name: string | undefined,
): Promise<{ readonly controlPlane: string; readonly clusterKeyFile: string }> {
  const { file } = chosenRun(name);
  const { controlPlane } = await askRun(file, (actor) => actor.describe({}, { timeoutMs: ANSWER_MS }));
  return { controlPlane, clusterKeyFile: file.keyFile };
}

function printScaled({ loads, limits: known }: ScaledCluster): void {
  const { ofNetwork } = known;
  printLine(`network: ${sumOf(loads)} containers${ofNetwork === undefined ? '' : `, limit ${shownLimit(ofNetwork)}`}`);
  for (const [node, ofNode] of byNode(loads)) {
    const limit = known.ofNode(node);
    printLine(`${node}: ${sumOf(ofNode)} containers${limit === undefined ? '' : `, limit ${shownLimit(limit)}`}`);
    for (const { process: name, component, containers, idle, waiting } of ofNode) {
      printLine(`  ${name}  ${component}  ${containers} containers, ${idle} idle, ${waiting} requests wait`);
    }
  }
}

function printJson({ loads, limits: known, problems }: ScaledCluster): void {
  const nodes = [...byNode(loads)].map(([node, ofNode]) => ({
    node,
    limit: limitJson(known, node),
    components: ofNode.map(({ process: name, component, containers, starting, idle, waiting, oldestWaitMs }) => ({
      process: name,
      component,
      containers,
      starting,
      idle,
      waiting,
      oldestWaitMs,
    })),
  }));
  print(JSON.stringify({ limit: limitJson(known, undefined), nodes, problems }));
}

/** A number; 'none' where it was taken back; null where it was never stated. */
function limitJson(known: CapacityLimits, node: string | undefined): number | string | null {
  const limit = node === undefined ? known.ofNetwork : known.ofNode(node);
  if (limit === undefined) return null;
  return limit === Number.POSITIVE_INFINITY ? 'none' : limit;
}

function byNode(loads: readonly v1.PoolLoad[]): ReadonlyMap<string, readonly v1.PoolLoad[]> {
  const nodes = new Map<string, v1.PoolLoad[]>();
  const sorted = [...loads].sort((one, other) => (one.node + one.process < other.node + other.process ? -1 : 1));
  for (const load of sorted) nodes.set(load.node, [...(nodes.get(load.node) ?? []), load]);
  return nodes;
}

function sumOf(loads: readonly v1.PoolLoad[]): number {
  return loads.reduce((sum, { containers }) => sum + containers, 0);
}

function shownLimit(limit: number): string {
  return limit === Number.POSITIVE_INFINITY ? 'none' : String(limit);
}

/** `8`, or `none`. */
function containersOf(text: string): number {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number from 0, or none.');
}

/** `node-0=8` */
function nodeLimits(text: string, before: readonly StatedLimit[]): readonly StatedLimit[] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is the name of a node and a number: node-0=8.');
  return [...before, { node: text.slice(0, at), containers: containersOf(text.slice(at + 1)) }];
}
