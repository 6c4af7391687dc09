import { relative, sep } from 'node:path';
import { packageFile } from '../installation.js';
import { quoted } from './program-args.js';

/** Commands of the help that work where the reader is: in a checkout, and in a project that has the package. */
export function firstSteps(): string {
  const { run, needs } = flights();
  return lines([...needs, run, `${run} --nodes 3 --seed 7 --loss 0.01`]);
}

export function runExamples(): string {
  const { run, needs } = flights();
  return lines([
    ...needs,
    run,
    `${run} --partitions 2 --instances tally=8 -- --input more.json`,
    `${run} --partitions 4 --placement thread`,
    `${run} --nodes 3 --seed 7 --loss 0.01 --crash 1@20ms --trace trace.txt`,
  ]);
}

function flights(): { readonly run: string; readonly needs: readonly string[] } {
  const folder = packageFile('examples/flights', 'Help names the example.');
  const isInstalled = folder.includes(`${sep}node_modules${sep}`);
  return {
    run: `millrace run ${quoted(relative(process.cwd(), folder) || '.')}`,
    // The data of the example, which a checkout has.
    needs: isInstalled ? ['npm install vega-datasets@3.2.1'] : [],
  };
}

function lines(commands: readonly string[]): string {
  return commands.map((command) => `  ${command}`).join('\n');
}
