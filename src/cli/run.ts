import { type Command, Option } from 'commander';
import { runExamples } from './example.js';
import { EXIT_CODES } from './exit-codes.js';
import { optionTable } from '../options/index.js';
import { type Invocation, runModule } from './run-module.js';
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

/** `millrace run`: runs the pipeline of a module. */
export function addRun(command: Command, invocation: Invocation): void {
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
      `partitions of each process: ${optionTable.partitions.accepts} (default: the option partitions)`,
      partitionsOf,
    )
    .option(
      '--placement <where>',
      `where all partitions but the first run: ${optionTable.placement.accepts} (default: the option placement)`,
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
    .option('--quiet', 'show no progress, and no message after success')
    .option(
      '--dashboard [port]',
      'serve a page of the run to browsers of this machine (default: a free port)',
      wholeNumber(0, 65_535),
    )
    .option('--record <file>', 'record the messages of actors and what they do, for millrace replay')
    .option(
      '--record-actors <names>',
      'with --record: names or paths of actors, separated by commas; * matches any characters (default: *)',
    )
    .optionsGroup('Simulation (each of these runs the pipeline on virtual time; the seed replays it):')
    .option(
      '--nodes <n>',
      'virtual nodes, node-0, node-1, ..., with one process each; node-0 serves the control plane (default: 1)',
      wholeNumber(1, 1_000),
    )
    .option(
      '--seed <n>',
      'the same seed gives the same run (default: one is chosen and printed)',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .option('--latency <ms>', 'latency of a frame between processes (default: 1)', milliseconds)
    .option('--loss <p>', 'probability that a frame is lost', chance)
    .option('--duplicate <p>', 'probability that a frame arrives twice', chance)
    .addOption(
      new Option(
        '--crash <node@time>',
        'crash a node at this time after the start of the pipeline: 1@2s, 0@500ms; may be repeated',
      )
        .default([], 'none')
        .argParser(crashOf),
    )
    .option('--trace <file>', 'write every event of the network to a file')
    .addHelpText(
      'after',
      () => `
Arguments after -- go to the program: --input FILE --dry becomes { input: 'FILE', dry: true } in its declaring function.
millrace run MODULE -- --help lists the arguments that the program declares.

When a simulation fails, the command prints the line that replays it. A crash that was due after the end of the run is reported.

${EXIT_CODES}

Examples:
${runExamples()}`,
    )
    .action(async (module: string, flags: RunFlags) => {
      process.exitCode = await runModule(module, flags, invocation);
      // A timer or a socket that the program has left open gets a moment to end by itself.
      setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
    });
}
