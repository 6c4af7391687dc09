/** One run of `millrace up`, from its options to its exit code. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { netSettings } from '../actors/runtime/index.js';
import {
  type BackendStart,
  FaultPoints,
  type Host,
  type Infrastructure,
  Launcher,
  makeFolder,
  type NodeStart,
  openInfrastructure,
  removeFolder,
  roleProgram,
  runsFolder,
  type StepEvent,
  writeKey,
} from '../actors/services/index.js';
import { Deferred } from '../deferred.js';
import { createLogger, MillraceError, UnreachableError } from '../index.js';
import { type OptionValues, readOptionsFile, resolveOptions } from '../options/index.js';
import { v1 } from '../protocol/index.js';
import { startProcess } from '../resources/execution/index.js';
import { RealScheduler } from '../scheduler/index.js';
import { ExitCode } from './exit-codes.js';
import { print, say } from './output.js';
import { moduleUrl, ownVersion } from './packages.js';
import type { Invocation } from './run-module.js';
import { answerUsers, writeRunFile } from './run-files.js';
import { runApplication } from './up-application.js';
import { UpDisplay } from './up-display.js';
import { type HostFlags, hostsOf, linksOf, throughTo } from './up-hosts.js';

export interface UpFlags extends HostFlags {
  readonly partitions?: OptionValues['partitions'];
  readonly placement?: OptionValues['placement'];
  readonly instances: Readonly<Record<string, number>>;
  readonly json?: boolean;
  readonly prefix: boolean;
  readonly quiet?: boolean;
  readonly trace?: string;
}

/** Time in ms in which the end of a part is known, after it was not reached. */
const PART_ENDS_MS = 3_000;

/** What one run is about, as its options say. */
interface RunPlan {
  readonly run: string;
  readonly folder: string;
  readonly module: string;
  readonly hosts: readonly Host[];
  readonly key: string;
  readonly faults: string;
  readonly flags: UpFlags;
  readonly isVerbose: boolean;
}

/** Resolves to the exit code. Throws ConfigError before anything starts when an option or the module is wrong. */
export async function up(
  module: string,
  flags: UpFlags,
  { program, interrupts, isVerbose }: Invocation,
): Promise<number> {
  const plan = await planOf(module, flags, isVerbose);
  const { folder, run, key, hosts } = plan;
  const display = new UpDisplay({
    isJson: flags.json === true,
    hasPrefix: flags.prefix,
    isQuiet: flags.quiet === true,
    level: isVerbose ? 'debug' : 'warn',
  });
  const own = makeFolder(join(folder, 'launcher'));
  const scheduler = new RealScheduler();
  const log = createLogger({ level: isVerbose ? 'debug' : 'error' });
  const links = { name: 'launcher', folder: own, key, ...linksOf(hosts, flags) };
  const infrastructure = await openInfrastructure(links, scheduler, log);
  const events: StepEvent[] = [];
  const launcher = launcherOf(plan, infrastructure, display, (event) => events.push(event));
  const stopped = new Deferred<number>();
  answerUsers(infrastructure, launcher, () => stopped.resolve(ExitCode.terminated));
  writeRunFile(folder, { run, module, pid: process.pid, address: infrastructure.address, keyFile: writeKey(own, key) });
  interrupts.begin(say, () => launcher.hurry());
  interrupts.onFirst(() => stopped.resolve(interrupts.first?.exitCode ?? ExitCode.interrupted));
  let exitCode: number = ExitCode.failed;
  try {
    const application = {
      launcher,
      nodes: hosts.length,
      module: plan.module,
      arguments: program,
      instances: flags.instances,
    };
    exitCode = await untilEnd(launcher, stopped.promise, async () => {
      await launcher.up();
      if (flags.quiet !== true) say(`the run ${run} is up: ${hosts.length} ${hosts.length === 1 ? 'node' : 'nodes'}`);
      return runApplication(application);
    });
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    say(error.message);
  } finally {
    for (const problem of await launcher.down()) say(`not torn down in order: ${problem}`);
    await display.close();
    await infrastructure.close();
    removeFolder(own);
    rmSync(folder, { recursive: true, force: true });
    if (flags.trace !== undefined) writeTrace(flags.trace, events);
    interrupts.end();
  }
  if (flags.json === true) print(JSON.stringify({ run, exitCode }));
  return exitCode;
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

async function planOf(module: string, flags: UpFlags, isVerbose: boolean): Promise<RunPlan> {
  const { values } = resolveOptions({ env: process.env, file: readOptionsFile({ folder: process.cwd() }) });
  const net = await netSettings({ ...values, listen: 'unix:' });
  const faults = process.env['MILLRACE_FAULT'] ?? '';
  FaultPoints.parse(faults);
  const run = `${basename(module).replaceAll(/\W/g, '-').slice(0, 20) || 'run'}-${randomBytes(4).toString('hex')}`;
  return {
    run,
    folder: join(runsFolder(), run),
    module: moduleUrl(module),
    hosts: hostsOf(flags, process.env),
    key: typeof net?.key === 'string' ? net.key : randomBytes(32).toString('hex'),
    faults,
    flags,
    isVerbose,
  };
}

function launcherOf(
  plan: RunPlan,
  infrastructure: Infrastructure,
  display: UpDisplay,
  trace: (event: StepEvent) => void,
): Launcher {
  const { run, hosts, faults } = plan;
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
    kill: () => process.kill(process.pid, 'SIGKILL'),
    trace,
  });
}

function nodeStart(plan: RunPlan, { host, hostId, launcher }: BackendStart): NodeStart {
  const { run, folder, key, hosts, flags, faults, isVerbose } = plan;
  return {
    role: 'node',
    run,
    folder: host.host === '' ? folder : '',
    key,
    ...linksOf(hosts, flags, host),
    version: ownVersion(),
    environment: environmentOf(flags),
    logLevel: isVerbose ? 'debug' : 'warn',
    node: host.node,
    hostId,
    launcher,
    sharedBy: hosts.filter((other) => other.host === host.host).length,
    faults,
  };
}

/** Options of the command for the processes of the application. */
function environmentOf({ partitions, placement }: UpFlags): Readonly<Record<string, string>> {
  return {
    ...(partitions !== undefined && { MILLRACE_PARTITIONS: String(partitions) }),
    ...(placement !== undefined && { MILLRACE_PLACEMENT: placement }),
  };
}

function writeTrace(path: string, events: readonly StepEvent[]): void {
  writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}
