/**
 * What runs on one node of `millrace up FOLDER`: `node up-components.js ROLE OPTIONS [arguments]`, with OPTIONS as JSON. It serves all components of the folder, with a governor,
 * and follows their changes. With the role `head` it also runs the program of the folder, and ends with it. Security comes first, then the loader, then everything else.
 */
import { tmpdir } from 'node:os';
import type { ComponentLoader, FoundComponents } from '../actors/component/index.js';
import { Deferred } from '../deferred.js';
import { messageOf, namedMessageOf } from '../foreign.js';
import {
  type ComponentNetwork,
  ConfigError,
  componentNetwork,
  createLogger,
  govern,
  MillraceError,
  type NetworkProgram,
  Runtime,
} from '../index.js';
import { readLaunch } from '../options/index.js';
import { ComponentProgram } from './component-program.js';
import { ComponentSession } from './component-session.js';
import { ExitCode } from './exit-codes.js';
import { FolderLoader } from './folder-loader.js';
import { loadLoader, loadPlugins, loadSecurity } from './node-plugins.js';
import { say, sayStack } from './output.js';
import { readNodeOptions } from './node-options.js';

/** The most processes that a node starts for its containers where nobody says how many. */
const MOST_PROCESSES = 16;

const [, , role = '', given = '', ...args] = process.argv;
const options = readNodeOptions(given);
const isHead = role === 'head';
const launch = readLaunch(process.env);

process.exit(await running().catch(failed));

/** Resolves to the exit code, when the program has ended or this process is told to end. */
async function running(): Promise<number> {
  const told = new Deferred<number>();
  process.once('SIGTERM', () => told.resolve(ExitCode.terminated));
  // Modules may take long to load.
  const started = await Promise.race([start(), told.promise]);
  if (typeof started === 'number') return started;
  const { loader, network, session } = started;
  try {
    const first = await Promise.race([loader.look(), told.promise]);
    if (typeof first === 'number') return first;
    const serving = await Promise.race([serve(session, first), told.promise]);
    if (typeof serving === 'number') return serving;
    void follow(loader, session, told.promise);
    const program = first?.program;
    return await (isHead && program !== undefined ? runMain(network, program, told.promise) : told.promise);
  } finally {
    await network.runtime.stop();
    await loader.close?.();
  }
}

async function start(): Promise<{
  readonly loader: ComponentLoader;
  readonly network: ComponentNetwork;
  readonly session: ComponentSession;
}> {
  const security = await loadSecurity(options.security);
  const loader = await loaderOf();
  const { strategy, log, ...plugins } = await loadPlugins(options.plugins);
  const { nodeCpus = 1 } = launch ?? {};
  const containers = options.limit ?? 2 * nodeCpus;
  // Each container has a process of its own, up to the most.
  process.env['MILLRACE_PARTITIONS'] = options.partitions || String(1 + Math.min(containers, MOST_PROCESSES));
  process.env['MILLRACE_PLACEMENT'] = placement();
  const runtime = await Runtime.current(log === undefined ? {} : { log });
  const network = componentNetwork(runtime, { ...plugins, security });
  // That of the node can be changed from outside.
  govern(network, { limit: Number.POSITIVE_INFINITY, nodeLimit: containers, ...(strategy && { strategy }) });
  return { loader, network, session: new ComponentSession(network, say) };
}

async function loaderOf(): Promise<ComponentLoader> {
  const { folder, loader: path } = options;
  if (path !== undefined) {
    const plugin = await loadLoader(path);
    return plugin({ folder, log: createLogger({ level: 'info' }) });
  }
  const loader = new FolderLoader({ folder, stageIn: launch?.runFolder || tmpdir(), say });
  if (placement() === 'process') process.execArgv.push(...loader.nodeOptions);
  return loader;
}

function placement(): string {
  return options.placement || 'process';
}

/** Rejects where a module does not load, and where nothing is served. */
async function serve(session: ComponentSession, found: FoundComponents | undefined): Promise<void> {
  const { components = [], problems = [] } = found ?? {};
  if (problems.length > 0) throw new ConfigError(problems.join('; '));
  if (components.length === 0) throw new ConfigError(`No module of ${options.folder} exports a component.`);
  await session.apply({ components });
  if (isHead && !options.isQuiet) say(`each node serves ${components.map(({ name }) => name).join(', ')}`);
}

/** Looks again and again until this process is told to end. */
async function follow(loader: ComponentLoader, session: ComponentSession, told: Promise<unknown>): Promise<void> {
  if (options.rescanMs === 0) return;
  let hasEnded = false;
  void told.then(() => (hasEnded = true));
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, options.rescanMs));
    if (hasEnded) return;
    try {
      const found = await loader.look();
      if (found !== undefined) await session.apply(found);
    } catch (error) {
      // The folder itself may be gone for a moment.
      say(`the components could not be looked at, and go on as they are: ${namedMessageOf(error)}`);
    }
  }
}

async function runMain(network: ComponentNetwork, main: NetworkProgram, told: Promise<number>): Promise<number> {
  const program = new ComponentProgram({ network, args, say, sayStack });
  await program.start(main);
  const ended = program.ended.then((isGood) => (isGood ? ExitCode.ok : ExitCode.failed));
  const exitCode = await Promise.race([ended, told]);
  await program.stop();
  return exitCode;
}

function failed(error: unknown): number {
  say(error instanceof MillraceError ? error.message : `uncaught error: ${messageOf(error)}`);
  if (!(error instanceof MillraceError)) sayStack(error);
  return error instanceof MillraceError ? ExitCode.failed : ExitCode.internal;
}
