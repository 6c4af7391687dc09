import { type Command, Option } from 'commander';
import { generate, MODULE_KINDS, type ModuleKind } from '../codegen/index.js';

interface GenOptions {
  readonly out: string;
  readonly protoPath: string[];
  readonly module?: ModuleKind;
}

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
    .addOption(
      new Option(
        '--module <kind>',
        'what the .js files are; default: what the nearest package.json of the folder says by its "type"',
      ).choices(MODULE_KINDS),
    )
    .action(async (files: string[], { out, protoPath, module }: GenOptions) => {
      await generate({ files, out, protoPath, ...(module === undefined ? {} : { module }) });
    });
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
