import type { Command } from 'commander';
import { generate } from '../codegen/index.js';

/** `millrace gen`: typed modules from .proto files. */
export function addGen(command: Command): void {
  command
    .command('gen')
    .summary('Make typed modules from .proto files.')
    .description('Makes a .js and a .d.ts of each .proto file, and of those whose types it uses.')
    .argument('<files...>', '.proto files')
    .requiredOption('--out <folder>', 'where the modules go')
    .option(
      '--proto-path <folder>',
      'where imports are looked for; default: beside the files; may be repeated',
      collect,
      [],
    )
    .action(async (files: string[], { out, protoPath }: { out: string; protoPath: string[] }) => {
      await generate({ files, out, protoPath });
    });
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
