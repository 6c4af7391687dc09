/** `millrace logs`: what a run has shown, from another terminal. */
import type { Command } from 'commander';
import { UnreachableError } from '../index.js';
import { askRun, ANSWER_MS, chosenRun } from './ask-run.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { say } from './output.js';
import { writeShown } from './shown-line.js';

interface LogsFlags {
  readonly follow?: boolean;
  readonly node?: string;
  readonly process?: string;
  readonly json?: boolean;
  readonly prefix: boolean;
}

export function addLogs(command: Command, interrupts: Interrupts): void {
  command
    .command('logs')
    .summary('Print what the processes of a run of millrace up have written.')
    .description(
      'Prints the last lines that the processes of a run have written, and the log records of its infrastructure, as millrace up prints them. The launcher ' +
        'keeps the last 10,000 lines. A reader that is slow loses the oldest lines, and is told how many: it does not hold up the run.',
    )
    .argument('[run]', 'its name, as millrace ps prints it (default: the only one)')
    .option('-f, --follow', 'go on with what the run writes from now on, until it ends')
    .option('--node <name>', 'only what processes of this node write: node-1')
    .option('--process <name>', 'only what processes of this name write: worker-1')
    .option('--json', 'print a JSON object for each line')
    .option('--no-prefix', 'print what processes write as it is')
    .action(async (name: string | undefined, flags: LogsFlags) => {
      process.exitCode = await showLogs(name, flags, interrupts);
    });
}

async function showLogs(name: string | undefined, flags: LogsFlags, interrupts: Interrupts): Promise<number> {
  const { follow: isFollowing = false, json: isJson = false, prefix: hasPrefix } = flags;
  const { run, file } = chosenRun(name);
  const leaving = new AbortController();
  interrupts.begin(() => {});
  interrupts.onFirst(() => leaving.abort());
  try {
    return await askRun(file, async (actor) => {
      const wanted = { node: flags.node ?? '', process: flags.process ?? '', isFollowing };
      // A run that writes nothing for an hour is followed all the same: the link tells of its end.
      const options = { timeoutMs: isFollowing ? Infinity : ANSWER_MS, signal: leaving.signal };
      for await (const { lines, dropped, isLast } of actor.logs(wanted, options)) {
        if (dropped > 0) say(`${dropped} lines are missing here: more were written than were read`);
        await writeShown(lines, { isJson, hasPrefix });
        if (isLast) return ExitCode.ok;
      }
      return ExitCode.ok;
    });
  } catch (error) {
    if (interrupts.first !== undefined) return interrupts.first.exitCode;
    if (!(error instanceof UnreachableError)) throw error;
    say(`the launcher of ${run} has ended before its last lines were read: ${error.message}`);
    return ExitCode.failed;
  } finally {
    interrupts.end();
  }
}
