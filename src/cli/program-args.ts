/** The words of a command line: ours, those of the program, and how both are written for a shell. */
import { declaredAs, flagOf, type PipelineArgument } from '../actors/runtime/index.js';
import { ConfigError, type Pipeline } from '../index.js';

export type ProgramArgs = Readonly<Record<string, string | number | boolean>>;

/** Commands that have a program. */
const WITH_PROGRAM: readonly unknown[] = ['run', 'up', 'dev', 'deploy', 'rehearse'];

/**
 * The words of `millrace run` and the like and those of its program, after the first `--`. For every other command `--` means what it does elsewhere: no
 * option follows.
 */
export function splitArguments(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly program: readonly string[];
} {
  const command = argv.find((word) => !word.startsWith('-'));
  const separator = WITH_PROGRAM.includes(command) ? argv.indexOf('--') : -1;
  return separator === -1
    ? { own: argv, program: [] }
    : { own: argv.slice(0, separator), program: argv.slice(separator + 1) };
}

/** A word as a shell reads it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * `--input FILE --max-rows=5 --dry` becomes `{ input: 'FILE', maxRows: '5', dry: true }`: what a pipeline's declaring function gets. Where the
 * pipeline declares its arguments, `maxRows` is a number if declared so, and what is not declared is refused. Throws ConfigError.
 */
export function parseProgramArgs(words: readonly string[], { name: pipeline, args: declared }: Pipeline): ProgramArgs {
  const args = new Map<string, string | number | boolean>();
  for (let index = 0; index < words.length; index++) {
    const { name, value } = parseWord(words[index] ?? '');
    const argument = declared && declaredAs(pipeline, declared, name);
    const next = words[index + 1];
    const takesNext = argument?.type !== 'flag' && value === undefined && next !== undefined && !next.startsWith('--');
    if (takesNext) index++;
    if (args.has(name)) throw new ConfigError(`The argument ${flagOf(name)} is given twice.`);
    const given = value ?? (takesNext ? next : undefined);
    args.set(name, argument === undefined ? (given ?? true) : typed(name, argument, given));
  }
  return Object.fromEntries(args);
}

/** `--max-rows=5` is the name maxRows and the value 5. */
function parseWord(word: string): { readonly name: string; readonly value: string | undefined } {
  const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/is.exec(word);
  if (match === null) {
    throw new ConfigError(
      `The program's argument "${word}" is not known: after -- write --name value, --name=value or --name.`,
    );
  }
  const name = (match[1] ?? '').replaceAll(/-+(\w?)/g, (_, letter: string) => letter.toUpperCase());
  return { name, value: match[2] };
}

function typed(
  name: string,
  { type = 'text' }: PipelineArgument,
  value: string | undefined,
): string | number | boolean {
  const wrong = (what: string): ConfigError => new ConfigError(`The argument ${flagOf(name)} ${what}.`);
  switch (type) {
    case 'flag':
      if (value !== undefined && value !== 'true' && value !== 'false') throw wrong(`takes no value; got "${value}"`);
      return value !== 'false';
    case 'number':
      if (value === undefined || value.trim() === '' || !Number.isFinite(Number(value))) {
        throw wrong(`needs a number; got ${value === undefined ? 'none' : `"${value}"`}`);
      }
      return Number(value);
    case 'text':
      if (value === undefined) throw wrong('needs a value');
      return value;
  }
}

/** Whether the program is asked which arguments it takes: one that declares none may have a meaning of its own for it. */
export function asksForHelp(words: readonly string[], { args }: Pipeline): boolean {
  return args !== undefined && !Object.hasOwn(args, 'help') && (words.includes('--help') || words.includes('-h'));
}

/** The arguments that a pipeline declares, a line each. */
export function programHelp(module: string, { name, args = {} }: Pipeline): string {
  const rows = Object.entries(args).map(([each, argument]) => [spelling(each, argument), meaning(argument)] as const);
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return [
    `Usage: millrace run ${quoted(module)} [options] -- [arguments]`,
    '',
    `Arguments of the pipeline "${name}":${rows.length === 0 ? ' none' : ''}`,
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
  ].join('\n');
}

function spelling(name: string, { type = 'text' }: PipelineArgument): string {
  return type === 'flag' ? flagOf(name) : `${flagOf(name)} <${type}>`;
}

function meaning({ help, default: value, required = false }: PipelineArgument): string {
  if (required) return `${help} (required)`;
  return value === undefined || value === false ? help : `${help} (default: ${String(value)})`;
}
