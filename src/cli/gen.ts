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
    .summary('Generate typed modules from .proto files.')
    .description('Generates a .js and a .d.ts file for each .proto file, and for each that it imports types from.')
    .argument('<files...>', '.proto files')
    .requiredOption('--out <folder>', 'the folder of the generated modules')
    .option(
      '--proto-path <folder>',
      'a folder of imports; may be repeated (default: the folders of the files)',
      collect,
      [],
    )
    .addOption(
      new Option(
        '--module <kind>',
        'the kind of the .js files (default: that of the nearest package.json of the folder)',
      ).choices(MODULE_KINDS),
    )
    .action(async (files: string[], { out, protoPath, module }: GenOptions) => {
      await generate({ files, out, protoPath, ...(module === undefined ? {} : { module }) });
    });
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
