import { ConfigError } from '../index.js';

export type ProgramArgs = Readonly<Record<string, string | true>>;

/** Our own arguments, and the program's: those after the first `--`. */
export function splitArguments(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly program: readonly string[];
} {
  const separator = argv.indexOf('--');
  return separator === -1
    ? { own: argv, program: [] }
    : { own: argv.slice(0, separator), program: argv.slice(separator + 1) };
}

/**
 * `--input FILE --max-rows=5 --dry` becomes `{ input: 'FILE', maxRows: '5', dry: true }`: what a pipeline's declaring function gets.
 * Values stay text; what they mean is the program's affair. Throws ConfigError for anything else.
 */
export function parseProgramArgs(words: readonly string[]): ProgramArgs {
  const args = new Map<string, string | true>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/is.exec(word);
    if (match === null) {
      throw new ConfigError(
        `The program's argument "${word}" is not known: after -- write --name value, --name=value or --name.`,
      );
    }
    const name = (match[1] ?? '').replaceAll(/-+(\w?)/g, (_, letter: string) => letter.toUpperCase());
    const next = words[index + 1];
    const takesNext = match[2] === undefined && next !== undefined && !next.startsWith('--');
    if (takesNext) index++;
    if (args.has(name)) throw new ConfigError(`The program's argument --${match[1]} is given twice.`);
    args.set(name, match[2] ?? (takesNext ? next : true));
  }
  return Object.fromEntries(args);
}
