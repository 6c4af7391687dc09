import { type Command, Option } from 'commander';
import { runExamples } from './example.js';
import { EXIT_CODES } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { runModule } from './run-module.js';
import {
  chance,
  crashOf,
  instancesOf,
  milliseconds,
  partitionsOf,
  placementOf,
  type RunFlags,
  wholeNumber,
} from './run-options.js';

const LEFTOVERS_MS = 1_000;

/** `millrace run`: runs the pipeline of a module. `program` are the words after `--`. */
export function addRun(command: Command, program: readonly string[], interrupts: Interrupts): void {
  command
    .command('run')
    .summary('Run the pipeline that a module exports.')
    .description('Runs the pipeline that a module exports as its default, and shows how far each segment is.')
    .usage('MODULE [options] [-- arguments of the program]')
    .argument(
      '<module>',
      'a JavaScript file, or a folder whose package.json names one: "millrace": "./dist/flights.js"',
    )
    .option(
      '--partitions <n>',
      'partitions of each process: a number, or package, numa, l3, core (default: the option partitions)',
      partitionsOf,
    )
    .option(
      '--placement <where>',
      'where partitions run, but for the first: inline, thread, process (default: the option placement)',
      placementOf,
    )
    .addOption(
      new Option('--instances <segment=n>', 'instances of a segment; may be repeated')
        .default({}, 'as declared')
        .argParser(instancesOf),
    )
    .option(
      '--json',
      'print one JSON object on standard output at the end; what the program prints goes to standard error',
    )
    .option('--quiet', 'show no progress')
    .option('--record <file>', 'keep what comes to actors, and what they do, for millrace replay')
    .option(
      '--record-actors <names>',
      'with --record: names or paths of actors, with commas; * stands for any characters (default: *)',
    )
    .optionsGroup('Simulation (any of these runs it on virtual time, replayable from its seed):')
    .option(
      '--nodes <n>',
      'virtual nodes node-0, node-1, ... with one process each; node 0 serves the control plane (default: 1)',
      wholeNumber(1, 1_000),
    )
    .option(
      '--seed <n>',
      'the same seed gives the same run (default: one is chosen and printed)',
      wholeNumber(0, 2 ** 32),
    )
    .option('--latency <ms>', 'time that a frame takes between processes (default: 1)', milliseconds)
    .option('--loss <p>', 'chance that a frame is lost', chance)
    .option('--duplicate <p>', 'chance that a frame arrives twice', chance)
    .addOption(
      new Option(
        '--crash <node@time>',
        'end a node at once, that long after the pipeline has started: 1@2s, 0@500ms; may be repeated',
      )
        .default([], 'none')
        .argParser(crashOf),
    )
    .option('--trace <file>', 'write every event of the network to a file')
    .addHelpText(
      'after',
      () => `
Arguments after -- are the program's: --input FILE --dry becomes { input: 'FILE', dry: true } of its declaring function.

When a simulation fails, the command that replays it is printed. The run may end before a crash is due: that is said, too.

${EXIT_CODES}

Examples:
${runExamples()}`,
    )
    .action(async (module: string, flags: RunFlags) => {
      process.exitCode = await runModule(module, flags, program, interrupts);
      // What the program left behind, a timer or a socket, has a moment to end by itself.
      setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
    });
}
