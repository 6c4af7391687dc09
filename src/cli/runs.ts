/** `millrace ps`, `stop` and `cleanup`: the runs of this user on this host. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Command } from 'commander';
import { stepInfo } from '../actors/services/index.js';
import { messageOf } from '../foreign.js';
import type { v1 } from '../protocol/index.js';
import { ANSWER_MS, askRun, chosenRun, removeAsks, withDecimals } from './ask-run.js';
import { ExitCode } from './exit-codes.js';
import { print, printLine, say } from './output.js';
import { type FoundRun, foundRuns } from './run-files.js';

export const PROCESS_STATES = ['unknown', 'starting', 'alive', 'ended'];

export function addRuns(command: Command): void {
  command
    .command('ps')
    .summary('List the runs of millrace up on this machine, with their nodes and processes.')
    .option('--json', 'print one JSON object for each run')
    .action(async ({ json = false }: { json?: boolean }) => {
      for (const run of foundRuns()) await show(run, json);
    });
  command
    .command('stop')
    .summary('Stop a run of millrace up in order.')
    .argument('[run]', 'its name, as millrace ps prints it (default: the only one)')
    .action(async (name?: string) => {
      const { run, file } = chosenRun(name);
      await askRun(file, (actor) => actor.stop({}, { timeoutMs: ANSWER_MS }));
      say(`the run ${run} is being torn down`);
    });
  command
    .command('cleanup')
    .summary('Remove what runs have left whose processes were killed: processes, sockets and other files.')
    .action(async () => {
      const left = foundRuns().filter(({ isAlive }) => !isAlive);
      for (const run of left) await cleanUp(run);
      removeAsks();
      say(
        left.length === 0
          ? 'nothing is left of any run'
          : `cleaned up after ${left.length} ${left.length === 1 ? 'run' : 'runs'}`,
      );
    });
}

async function show({ run, folder, file, isAlive }: FoundRun, isJson: boolean): Promise<void> {
  if (file === undefined || !isAlive) {
    if (isJson) print(JSON.stringify({ run, folder, isAlive }));
    else if (isAlive) printLine(`${run}  has nodes here: ask where its launcher runs`);
    else printLine(`${run}  its processes are gone: millrace cleanup removes what they have left`);
    return;
  }
  try {
    const { step, controlPlane, nodes, processes } = await askRun(file, (actor) =>
      actor.describe({}, { timeoutMs: ANSWER_MS }),
    );
    if (isJson) print(JSON.stringify({ run, step: stepInfo(step).name, controlPlane, nodes, processes }, withDecimals));
    else printRun(run, step, nodes, processes);
  } catch (error) {
    say(`the launcher of ${run} (process ${file.pid}) does not answer: ${messageOf(error)}`);
    process.exitCode = ExitCode.failed;
  }
}

function printRun(
  run: string,
  step: v1.Step,
  nodes: readonly v1.NodeDescription[],
  processes: readonly v1.ResourceDescriptor[],
): void {
  printLine(`${run}  ${stepInfo(step).name}`);
  for (const { index, name, pid, cpus } of nodes) {
    printLine(`  ${name}  process ${pid}, ${cpus} ${cpus === 1 ? 'processor' : 'processors'}`);
    for (const each of processes.filter(({ node }) => node === index)) {
      printLine(`    ${each.name}  p_uid ${each.id}, process ${each.pid}, ${PROCESS_STATES[each.state] ?? 'unknown'}`);
    }
  }
}

/** Ends the processes that a run has left, and removes its folder. Its nodes do so themselves, unless they were killed, too. */
async function cleanUp({ run, folder }: FoundRun): Promise<void> {
  for (const pid of processesOf(run)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Processes of this user whose environment or name says that they belong to the run. */
function processesOf(run: string): number[] {
  const own = process.getuid?.() ?? 0;
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0');
      const [name = ''] = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      const belongs = environment.includes(`MILLRACE_RUN=${run}`) || name.startsWith(`millrace ${run} `);
      return belongs && uidOf(entry) === own ? [Number(entry)] : [];
    } catch {
      // It has ended, or belongs to another user.
      return [];
    }
  });
}

function uidOf(entry: string): number {
  const status = readFileSync(`/proc/${entry}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}
