import type { Command } from 'commander';
import { describeOptions, readOptionsFile, resolveOptions } from '../options/index.js';
import { print, say } from './output.js';

/** `millrace config`: prints the value and the origin of each option. */
export function addConfig(command: Command): void {
  command
    .command('config')
    .summary('Print the value and the origin of each option.')
    .description(
      'Prints the value of each option, and where it comes from: the environment, the config file or the default.',
    )
    .option('--config <file>', 'the config file (default: millrace.config.json in this folder, if it exists)')
    .option('--json', 'print one JSON object')
    .action(({ config, json = false }: { config?: string; json?: boolean }) => {
      const file = readOptionsFile({ folder: process.cwd(), path: config });
      const resolved = resolveOptions({ env: process.env, file });
      if (resolved.notice !== undefined) say(resolved.notice);
      const described = describeOptions(resolved);
      if (json) {
        const entries = described.map(({ name, value: shown, from }) => {
          const value = resolved.values[name];
          return [name, { value: typeof value === 'string' ? shown : value, from }];
        });
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
