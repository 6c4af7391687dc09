import type { Command } from 'commander';
import { describeOptions, readOptionsFile, resolveOptions } from '../options/index.js';
import { print, say } from './output.js';

/** `millrace config`: the options in force, and where each came from. */
export function addConfig(command: Command): void {
  command
    .command('config')
    .summary('Print the options in force, and where each came from.')
    .description('Prints each option: its value, and what gave it: the environment, the config file or the default.')
    .option('--config <file>', 'config file; default: millrace.config.json in this folder, if there is one')
    .option('--json', 'as one JSON object')
    .action(({ config, json = false }: { config?: string; json?: boolean }) => {
      const file = readOptionsFile({ folder: process.cwd(), path: config });
      const resolved = resolveOptions({ env: process.env, file });
      if (resolved.notice !== undefined) say(resolved.notice);
      const described = describeOptions(resolved);
      if (json) {
        const entries = described.map(({ name, from }) => [name, { value: resolved.values[name], from }]);
        print(JSON.stringify(Object.fromEntries(entries), null, 2));
        return;
      }
      print(table(described.map(({ name, value = '', from = '', variable }) => [name, value, from, variable])));
    });
}

function table(rows: readonly (readonly string[])[]): string {
  const all = [['option', 'value', 'from', 'variable'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return all.map(line).join('\n');
}
