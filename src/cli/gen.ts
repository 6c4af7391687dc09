import { relative } from 'node:path';
import { type Command, Option } from 'commander';
import { generate, MODULE_KINDS, type ModuleKind } from '../codegen/index.js';
import { printLine, say } from './output.js';

interface GenOptions {
  readonly out: string;
  readonly protoPath: string[];
  readonly module?: ModuleKind;
  readonly services: boolean;
  readonly views?: boolean;
  readonly quiet?: boolean;
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
      '-I, --proto-path <folder>',
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
    .option('--no-services', 'make messages and enums alone, also of files whose services are refused')
    .option('--views', 'make views too: lazy readers of the messages, in FILE.views.js')
    .option('--quiet', 'print nothing')
    .action(async (files: string[], { quiet, ...options }: GenOptions) => {
      await generate({ ...options, files, ...(quiet === true ? {} : { report, warn: say }) });
    });
}

function report(path: string, isWritten: boolean): void {
  printLine(`${isWritten ? 'wrote' : 'unchanged'} ${relative('', path)}`);
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
