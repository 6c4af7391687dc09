import { type Command, InvalidArgumentError, Option } from 'commander';
import { SIM_EXIT_CODES } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { wholeNumber } from './run-options.js';
import { simulateModules } from './sim-run.js';

export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

/** As commander makes them of the command line. */
export interface SimFlags {
  readonly seeds: SeedRange;
  readonly seed?: number;
  readonly plan?: string;
  readonly jobs?: number;
  readonly repeat: number;
  /** In seconds. */
  readonly patience: number;
  readonly keepGoing?: boolean;
  readonly shrink: boolean;
  readonly trace?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `millrace sim`: runs workloads under faults, one run for each seed. */
export function addSim(command: Command, interrupts: Interrupts): void {
  command
    .command('sim')
    .summary('Run workloads under faults, for many seeds.')
    .description(
      'Runs the workload that a module exports as its default on virtual nodes, with random faults from each seed, and checks its invariants. For a seed that fails, it looks for a smaller plan that fails in the same way, and prints the command that replays it.',
    )
    .usage('MODULE... [options]')
    .argument('<modules...>', 'JavaScript files, or folders whose package.json names one')
    .addOption(
      new Option('--seeds <from..to>', 'seeds to run').default({ from: 1, to: 100 }, '1..100').argParser(seedRange),
    )
    .option('--seed <n>', 'run only this seed, on the main thread, where breakpoints work', wholeNumber(0, 2 ** 32 - 1))
    .option('--plan <plan>', 'run this plan: the JSON that a failing seed prints, or a file with it')
    .option('--jobs <n>', 'parallel runs (default: one for each processor)', wholeNumber(1, 1_024))
    .option(
      '--repeat <n>',
      'run every n-th seed twice and compare their traces; 0: none',
      wholeNumber(0, 2 ** 32 - 1),
      50,
    )
    .option(
      '--patience <s>',
      'real time that one run may take, in seconds; a longer one fails',
      wholeNumber(1, 86_400),
      60,
    )
    .option('--keep-going', 'continue after the first seed that fails')
    .option('--no-shrink', 'do not look for a smaller plan that fails')
    .option('--trace <file>', 'write every frame, message and fault of a single run to a file')
    .option('--json', 'print one JSON object on standard output at the end')
    .option('--quiet', 'show no progress')
    .addHelpText(
      'after',
      `
${SIM_EXIT_CODES}

Examples:
  millrace sim dist/orders.sim.js
  millrace sim dist/orders.sim.js dist/stock.sim.js --seeds 1..10000
  millrace sim dist/orders.sim.js --seed 4711 --trace trace.txt`,
    )
    .action(async (modules: readonly string[], flags: SimFlags) => {
      process.exitCode = await simulateModules(modules, flags, interrupts);
    });
}

function seedRange(text: string): SeedRange {
  const match = /^(\d+)\.\.(\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || to < from || to >= 2 ** 32) {
    throw new InvalidArgumentError('It is FROM..TO, two whole numbers from 0 to 4294967295: 1..1000.');
  }
  return { from, to };
}
