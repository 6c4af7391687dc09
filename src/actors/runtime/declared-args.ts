/** Arguments that a pipeline declares. Undeclared arguments, and values of another type, are refused. */
import { ConfigError } from '../../errors.js';
import { isRecord } from '../../foreign.js';
import { nearestName } from '../../options/index.js';

/** One argument of a pipeline. */
export interface PipelineArgument {
  /** Type of its value: `text` (the default), `number`, or `flag`, which is given without a value. */
  readonly type?: 'text' | 'number' | 'flag';
  /** Its value where it is not given. Without a default, the property is missing then, also that of a flag. */
  readonly default?: string | number | boolean;
  /** A run without this argument is refused. */
  readonly required?: boolean;
  /** One line for `millrace run MODULE -- --help`. */
  readonly help: string;
}

/** Arguments by the property names that the declaring function gets: `maxRows` is `--max-rows` on the command line. */
export type PipelineArguments = Readonly<Record<string, PipelineArgument>>;

const VALUE_TYPES = { text: 'string', number: 'number', flag: 'boolean' } as const;

/** Throws ConfigError for an invalid declaration. */
export function checkDeclaredArgs(pipeline: string, declared: PipelineArguments): void {
  for (const [name, argument] of Object.entries(declared)) {
    const { type = 'text', default: value, required = false, help } = argument;
    const wrong = (what: string): ConfigError =>
      new ConfigError(`Argument "${name}" of pipeline "${pipeline}" ${what}.`);
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name))
      throw wrong('needs a name of letters and digits that begins with a small letter');
    if (typeof help !== 'string') throw wrong('needs a help, one line that says what it is');
    if (!Object.hasOwn(VALUE_TYPES, type)) throw wrong(`has the type "${type}"; there are text, number and flag`);
    if (value !== undefined && typeof value !== VALUE_TYPES[type]) throw wrong(`is a ${type}, and its default is not`);
    if (value !== undefined && required) throw wrong('is required, so that its default would never be used');
  }
}

/** Adds the defaults of missing arguments. Throws ConfigError for an undeclared argument, a wrong type, or a missing required one. */
export function withDefaults(pipeline: string, declared: PipelineArguments, given: unknown): unknown {
  const args = new Map(isRecord(given) ? Object.entries(given).filter(([, value]) => value !== undefined) : []);
  for (const [name, value] of args) {
    const { type = 'text' } = declaredAs(pipeline, declared, name);
    if (typeof value !== VALUE_TYPES[type]) {
      throw new ConfigError(`Argument "${name}" of pipeline "${pipeline}" is a ${type}; got ${typeof value}.`);
    }
  }
  for (const [name, { default: value, required = false }] of Object.entries(declared)) {
    if (args.has(name)) continue;
    if (required) throw new ConfigError(`Pipeline "${pipeline}" needs the argument ${flagOf(name)}.`);
    if (value !== undefined) args.set(name, value);
  }
  return Object.fromEntries(args);
}

/** The declaration of an argument. Throws ConfigError, with the nearest name, where there is none. */
export function declaredAs(pipeline: string, declared: PipelineArguments, name: string): PipelineArgument {
  const found = Object.hasOwn(declared, name) ? declared[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(declared);
  const nearest = nearestName(name, names);
  const advice = nearest === undefined ? `It has ${names.map(flagOf).join(', ')}.` : `Did you mean ${flagOf(nearest)}?`;
  throw new ConfigError(`Pipeline "${pipeline}" has no argument ${flagOf(name)}. ${advice}`);
}

/** The command-line flag of an argument: `maxRows` is `--max-rows`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
