import { type Command, Option } from 'commander';
import { SIM_EXIT_CODES } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { wholeNumber } from './run-options.js';
import { type SimFlags, seedRange } from './sim-options.js';
import { simulateModules } from './sim-run.js';

/** `millrace sim`: runs workloads under faults, one run for each seed. */
export function addSim(command: Command, interrupts: Interrupts): void {
  command
    .command('sim')
    .summary('Run workloads under faults, for many seeds.')
    .description(
      'Runs the workload that a module exports as its default on virtual nodes, under faults that each seed draws, and checks what has to hold of every run. A seed that fails is made smaller, and the command that replays it is printed.',
    )
    .usage('MODULE... [options]')
    .argument('<modules...>', 'JavaScript files, or folders whose package.json names one')
    .addOption(
      new Option('--seeds <from..to>', 'seeds to run').default({ from: 1, to: 100 }, '1..100').argParser(seedRange),
    )
    .option('--seed <n>', 'run this seed alone, in the main thread, where breakpoints work', wholeNumber(0, 2 ** 32))
    .option('--plan <plan>', 'run this plan, as a failing seed prints it, or the file that holds it')
    .option('--jobs <n>', 'runs side by side (default: one for each processor)', wholeNumber(1, 1_024))
    .option('--repeat <n>', 'run every n-th seed twice and compare their traces; 0: none', wholeNumber(0, 2 ** 32), 50)
    .option(
      '--patience <s>',
      'real time that one run may take, in seconds: one that takes longer never ends',
      wholeNumber(1, 86_400),
      60,
    )
    .option('--keep-going', 'go on behind the first seed that fails')
    .option('--no-shrink', 'do not look for a smaller plan that fails, too')
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
