/** One run of `millrace up`, from its options to its exit code. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NetOptions, netSettings } from '../actors/runtime/index.js';
import {
  type BackendStart,
  FaultPoints,
  type Host,
  type Infrastructure,
  Launcher,
  type LostWorker,
  makeFolder,
  type NodeStart,
  type RunStore,
  openInfrastructure,
  removeFolder,
  roleProgram,
  runName,
  runsFolder,
  type StepEvent,
  StoreClaim,
  writeKey,
} from '../actors/services/index.js';
import { openClusterStore } from '../cluster-store/index.js';
import { Deferred } from '../deferred.js';
import { ConfigError, createLogger, type Logger, MillraceError, UnreachableError } from '../index.js';
import { type OptionValues, readOptionsFile, resolveOptions, variableOf } from '../options/index.js';
import { OutputFile } from '../output-file.js';
import { v1 } from '../protocol/index.js';
import { startProcess } from '../resources/execution/index.js';
import { RealScheduler } from '../scheduler/index.js';
import type { TlsFiles } from '../transport/index.js';
import { assertDistinct } from './distinct-files.js';
import { ExitCode } from './exit-codes.js';
import { print, say } from './output.js';
import { ownVersion } from './packages.js';
import type { Invocation } from './run-module.js';
import { answerUsers, writeRunFile } from './run-files.js';
import { RunLog } from './run-log.js';
import { Application } from './up-application.js';
import { UpDisplay } from './up-display.js';
import { sharedOptions } from './shared-options.js';
import { type UpPrograms, upPrograms } from './up-programs.js';
import { type HostFlags, hostsOf, linksOf, nodesBeside, throughTo } from './up-hosts.js';

export interface UpFlags extends HostFlags {
  readonly partitions?: OptionValues['partitions'];
  readonly placement?: OptionValues['placement'];
  readonly instances: Readonly<Record<string, number>>;
  /** In seconds. */
  readonly rescan?: number;
  readonly security?: string;
  readonly loader?: string;
  readonly plugins?: string;
  /** Containers of each node. */
  readonly limit?: number;
  readonly json?: boolean;
  readonly prefix: boolean;
  readonly quiet?: boolean;
  readonly trace?: string;
}

/** Time in ms in which the end of a part is known, after it was not reached. */
const PART_ENDS_MS = 3_000;

/** Time in ms for those who follow the run by `millrace logs` to take its last lines. */
const LAST_LINES_MS = 1_000;

/** What one run is about, as its options say. */
interface RunPlan {
  readonly run: string;
  readonly folder: string;
  /** As the user has named the module. */
  readonly name: string;
  readonly programs: UpPrograms;
  readonly hosts: readonly Host[];
  readonly key: string;
  readonly tls: TlsFiles | undefined;
  readonly store: RunStore | undefined;
  readonly faults: string;
  readonly flags: UpFlags;
  /** Of each process of the application. */
  readonly environment: Readonly<Record<string, string>>;
  readonly isVerbose: boolean;
}

/** Resolves to the exit code. Throws ConfigError before anything starts when an option, the module or the file of the trace is wrong. */
export async function up(
  module: string,
  flags: UpFlags,
  { program, interrupts, isVerbose }: Invocation,
): Promise<number> {
  const plan = await planOf(module, flags, { program, isVerbose });
  const trace = traceOf(plan);
  const own = makeFolder(join(plan.folder, 'launcher'));
  try {
    const exitCode = await runPlan({ plan, own, trace, interrupts });
    trace?.close();
    return exitCode === ExitCode.ok && trace?.failure !== undefined ? ExitCode.failed : exitCode;
  } finally {
    trace?.close();
    removeFolder(own);
    rmSync(plan.folder, { recursive: true, force: true });
    interrupts.end();
  }
}

interface PlannedRun {
  readonly plan: RunPlan;
  /** The folder of the launcher. */
  readonly own: string;
  readonly trace: OutputFile | undefined;
  readonly interrupts: Invocation['interrupts'];
}

async function runPlan({ plan, own, trace, interrupts }: PlannedRun): Promise<number> {
  const { folder, run, key, tls, hosts, flags, isVerbose } = plan;
  const shown = new RunLog();
  const display = new UpDisplay({
    log: shown,
    isJson: flags.json === true,
    hasPrefix: flags.prefix,
    isQuiet: flags.quiet === true,
    level: isVerbose ? 'debug' : 'warn',
  });
  const scheduler = new RealScheduler();
  const log = createLogger({ level: isVerbose ? 'debug' : 'error' });
  const claim = await claimOf(plan, scheduler, log);
  const links = { name: 'launcher', folder: own, key, tls, ...linksOf(hosts, flags) };
  const infrastructure = await openInfrastructure(links, scheduler, log);
  const launcher = launcherOf(plan, infrastructure, display, (event) =>
    trace?.write(Buffer.from(`${JSON.stringify(event)}\n`)),
  );
  const lost: LostWorker[] = [];
  let exitCode: number = ExitCode.failed;
  try {
    const stopped = new Deferred<number>();
    answerUsers(infrastructure, launcher, shown, () => stopped.resolve(ExitCode.terminated));
    const { address } = infrastructure;
    writeRunFile(folder, {
      run,
      module: plan.name,
      pid: process.pid,
      address,
      keyFile: writeKey(own, key),
      ...(tls && { tls }),
    });
    interrupts.begin(say, () => launcher.hurry());
    interrupts.onFirst(() => stopped.resolve(interrupts.first?.exitCode ?? ExitCode.interrupted));
    const workerEnded = (worker: LostWorker): void => {
      lost.push(worker);
      say(`${worker.process} of ${worker.node} has ended by itself, and the run goes on without it: ${worker.cause}`);
    };
    void claim?.lost.then(({ message }) => {
      say(`the run is torn down: ${message}`);
      stopped.resolve(ExitCode.partLost);
    });
    exitCode = await untilEnd(launcher, stopped.promise, async () => {
      await claim?.take();
      await launcher.up();
      if (flags.quiet !== true) say(`the run ${run} is up: ${hosts.length} ${hosts.length === 1 ? 'node' : 'nodes'}`);
      const application = new Application({ launcher, nodes: hosts.length, ...plan.programs, workerEnded });
      launcher.openToGuests({
        // Its working folder is that of its own host.
        startWorker: ({ index }) => application.startWorker(index, plan.programs.worker, ''),
        joined: (node) => flags.quiet !== true && say(`${node} has joined the run`),
        left: (node) => flags.quiet !== true && say(`${node} has left the run`),
        lost: workerEnded,
      });
      return application.run();
    });
    if (exitCode === ExitCode.ok && lost.length > 0) exitCode = ExitCode.partLost;
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    say(error.message);
  } finally {
    for (const problem of await launcher.down()) say(`not torn down in order: ${problem}`);
    await claim?.close();
    await display.close();
    await shown.end(LAST_LINES_MS);
    await infrastructure.close();
  }
  if (flags.json === true) print(JSON.stringify({ run, exitCode, lost }));
  return exitCode;
}

/** The file is opened before anything starts, and written step by step: that of a launcher that was killed has what was done. */
function traceOf({ programs, flags }: RunPlan): OutputFile | undefined {
  if (flags.trace === undefined) return undefined;
  assertDistinct(
    [{ name: '--trace', path: flags.trace }],
    [
      { name: 'the module', path: fileURLToPath(programs.url) },
      { name: '--hostfile', path: flags.hostfile },
    ],
  );
  return new OutputFile({ what: 'The trace', path: flags.trace, onFailure: ({ message }) => say(message) });
}

/** The exit code of the head, of a stop that a user has asked for, or of the loss of a part; whichever comes first. */
function untilEnd(launcher: Launcher, stopped: Promise<number>, work: () => Promise<number>): Promise<number> {
  const head = work();
  head.catch(() => {});
  const lost = launcher.failed.then(({ node, part, cause }) => {
    // Before the run is up, the step that waits for the part says more.
    if (launcher.lastStep < v1.Step.WELCOME) return head;
    say(`a part of the run has ended by itself, and the run is torn down. Node ${node}, ${part}: ${cause}.`);
    return ExitCode.partLost;
  });
  const ended = head.catch((error: unknown) => {
    if (!(error instanceof UnreachableError)) throw error;
    // A part that ends is not reached any more, and the launcher hears of its end a moment later.
    return Promise.race([lost, rejectsAfter(PART_ENDS_MS, error)]);
  });
  return Promise.race([ended, stopped, lost]);
}

function rejectsAfter(ms: number, error: MillraceError): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(error), ms));
}

async function planOf(
  module: string,
  flags: UpFlags,
  { program, isVerbose }: Pick<Invocation, 'program' | 'isVerbose'>,
): Promise<RunPlan> {
  const { values, provenance } = resolveOptions({ env: process.env, file: readOptionsFile({ folder: process.cwd() }) });
  const net = await netSettings({ ...values, listen: 'unix:' });
  const faults = process.env['MILLRACE_FAULT'] ?? '';
  FaultPoints.parse(faults);
  const hosts = hostsOf(flags, process.env);
  const run = runName(module, randomBytes(4).toString('hex'));
  return {
    run,
    folder: join(runsFolder(), run),
    name: module,
    programs: upPrograms(module, flags, program),
    hosts,
    tls: tlsOf(flags, hosts, net),
    store: storeOf(values, hosts),
    key: typeof net?.key === 'string' ? net.key : randomBytes(32).toString('hex'),
    faults,
    flags,
    environment: {
      ...sharedOptions(flags),
      ...(flags.quiet === true && provenance.logLevel.source === 'default' && { [variableOf('logLevel')]: 'warn' }),
    },
    isVerbose,
  };
}

/** The files of TLS, which each host has. Throws ConfigError for --tls where no link is between hosts, or no certificate is named. */
function tlsOf({ tls }: UpFlags, hosts: readonly Host[], net: NetOptions | undefined): TlsFiles | undefined {
  if (tls !== true) return undefined;
  if (hosts.every(({ host }) => host === '')) {
    throw new ConfigError('--tls is for links between hosts: name them by --hosts, --hostfile or --slurm.');
  }
  const files = net?.tls?.files;
  if (files === undefined || files.tlsCertFile === '') {
    throw new ConfigError(
      '--tls needs the certificate of each host: set tlsCertFile, tlsKeyFile and, for an authority, tlsCaFile to paths that each host has.',
    );
  }
  return files;
}

/** The store by which global services follow others. Throws ConfigError for a file where the nodes are on several hosts. */
function storeOf({ clusterStore, leaseMs }: OptionValues, hosts: readonly Host[]): RunStore | undefined {
  if (clusterStore === 'none') return undefined;
  if (clusterStore.startsWith('embedded:') && hosts.some(({ host }) => host !== '')) {
    throw new ConfigError(
      `The option clusterStore is ${clusterStore}, a file for the processes of one host: on several hosts use nats://HOST:PORT/BUCKET.`,
    );
  }
  return { address: clusterStore, leaseMs };
}

async function claimOf(
  { store, run }: RunPlan,
  scheduler: RealScheduler,
  log: Logger,
): Promise<StoreClaim | undefined> {
  if (store === undefined) return undefined;
  return new StoreClaim({ store: await openClusterStore(store.address, scheduler), run, scheduler, log });
}

function launcherOf(
  plan: RunPlan,
  infrastructure: Infrastructure,
  display: UpDisplay,
  trace: (event: StepEvent) => void,
): Launcher {
  const { run, hosts, faults, store } = plan;
  return new Launcher({
    infrastructure,
    run,
    hosts,
    execute: (start) => {
      const { host } = start.host;
      const program = { url: roleProgram(), name: `millrace ${run} ${start.host.node}`, start: nodeStart(plan, start) };
      return startProcess(
        host === ''
          ? program
          : { ...program, through: (command: readonly string[]) => throughTo(host, plan.flags, command) },
        infrastructure.scheduler,
      );
    },
    display,
    faults: FaultPoints.parse(faults),
    version: ownVersion(),
    hasStore: store !== undefined,
    kill: () => process.kill(process.pid, 'SIGKILL'),
    trace,
  });
}

function nodeStart(plan: RunPlan, { host, hostId, launcher, secret }: BackendStart): NodeStart {
  const { run, folder, key, tls, store, hosts, flags, faults, environment, isVerbose } = plan;
  return {
    role: 'node',
    run,
    folder: host.host === '' ? folder : '',
    key,
    tls,
    store,
    ...linksOf(hosts, flags, host),
    version: ownVersion(),
    environment,
    logLevel: isVerbose ? 'debug' : 'warn',
    node: host.node,
    hostId,
    launcher,
    secret,
    sharedBy: nodesBeside(hosts, host),
    faults,
  };
}
