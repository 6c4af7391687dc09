import { ConfigError } from '../errors.js';
import { withoutSecrets } from '../foreign.js';
import { type IgnoredVariable, ignoredNotice, isForeign } from './foreign-variables.js';
import { isLaunchVariable } from './launch-parameters.js';
import { nearestName } from './nearest-name.js';
import type { OptionsFile } from './options-file.js';
import {
  areOptionValues,
  isOptionName,
  type OptionName,
  type OptionValues,
  optionNames,
  optionTable,
  variableOf,
} from './table.js';

/** Characters of a wrong value that its message quotes. */
const QUOTED = 100;

/** Where the value of an option came from. */
export type Provenance =
  | { readonly source: 'default' }
  | { readonly source: 'file'; readonly path: string }
  | { readonly source: 'environment'; readonly variable: string }
  | { readonly source: 'code' };

export interface ResolvedOptions {
  readonly values: OptionValues;
  readonly provenance: Readonly<Record<OptionName, Provenance>>;
  /** A sentence that names the ignored MILLRACE_ variables. The caller logs it once. Undefined where there are none. */
  readonly notice: string | undefined;
}

export interface OptionSources {
  /** Has precedence over all others. An undefined value counts as missing. */
  readonly code?: { readonly [Name in OptionName]?: OptionValues[Name] | undefined };
  /**
   * `process.env`, or the like. Variables that do not begin with MILLRACE_ are left alone. Those that do, but are empty or name no option,
   * are ignored and named in `notice`: platforms such as Kubernetes set variables of that form.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly file?: OptionsFile | undefined;
}

/**
 * Merges the options of code, environment, config file and defaults, in this order of precedence. Throws ConfigError for the first unknown
 * name in code or file, with the nearest option, and for the first wrong value, with the accepted ones.
 *
 * @example
 * const { values } = resolveOptions({ code: { partitions: 2 }, env: process.env, file: readOptionsFile({ folder: '.' }) });
 */
export function resolveOptions(sources: OptionSources = {}): ResolvedOptions {
  const values: Record<string, unknown> = {};
  const provenance = new Map<OptionName, Provenance>();
  const take = (name: OptionName, value: unknown, from: Provenance): void => {
    values[name] = value;
    provenance.set(name, from);
  };

  for (const name of optionNames) take(name, optionTable[name].default, { source: 'default' });
  fromFile(sources, take);
  const ignored = fromEnvironment(sources, take);
  fromCode(sources, take);
  const origins: Readonly<Record<string, Provenance>> = Object.fromEntries(provenance);
  if (!areOptionValues(values) || !areOrigins(origins))
    throw new ConfigError('The defaults of the option table are wrong.');
  return { values, provenance: origins, notice: ignoredNotice(ignored) };
}

type Take = (name: OptionName, value: unknown, from: Provenance) => void;

function fromFile({ file }: OptionSources, take: Take): void {
  for (const [name, value] of Object.entries(file?.values ?? {})) {
    const place = `in ${file?.path ?? 'the config file'}`;
    if (!isOptionName(name)) throw unknownName(name, place);
    take(name, checked(name, value, place), { source: 'file', path: file?.path ?? '' });
  }
}

/** Returns the variables that it ignored. */
function fromEnvironment({ env = {} }: OptionSources, take: Take): IgnoredVariable[] {
  const names = new Map(optionNames.map((name) => [variableOf(name), name]));
  const ignored: IgnoredVariable[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('MILLRACE_') || value === undefined || isLaunchVariable(variable)) continue;
    const name = names.get(variable);
    const parsed = name && optionTable[name].parse(value);
    const isEmpty = value.trim() === '';
    if (name === undefined || isEmpty || (parsed === undefined && isForeign(variable, value))) {
      ignored.push({ variable, isEmpty });
    } else if (parsed === undefined) throw wrongValue(name, value, `from ${variable}`);
    else take(name, parsed, { source: 'environment', variable });
  }
  return ignored;
}

function fromCode({ code = {} }: OptionSources, take: Take): void {
  for (const [name, value] of Object.entries(code)) {
    if (!isOptionName(name)) throw unknownName(name, 'in code');
    if (value !== undefined) take(name, checked(name, value, 'in code'), { source: 'code' });
  }
}

function checked(name: OptionName, value: unknown, place: string): unknown {
  const good = optionTable[name].check(value);
  if (good === undefined) throw wrongValue(name, value, place);
  return good;
}

function wrongValue(name: OptionName, value: unknown, place: string): ConfigError {
  return new ConfigError(`Option ${name} is ${inWords(value)} ${place}; it accepts ${optionTable[name].accepts}.`);
}

function unknownName(name: string, place: string): ConfigError {
  const nearest = nearestName(name, optionNames);
  const advice = nearest === undefined ? `The options are ${optionNames.join(', ')}.` : `Did you mean ${nearest}?`;
  return new ConfigError(`Option ${name} ${place} is not known. ${advice}`);
}

function inWords(value: unknown): string {
  if (typeof value === 'string') {
    const text = withoutSecrets(value);
    return JSON.stringify(text.length > QUOTED ? `${text.slice(0, QUOTED)}...` : text);
  }
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

function areOrigins(
  origins: Readonly<Record<string, Provenance>>,
): origins is Readonly<Record<OptionName, Provenance>> {
  return optionNames.every((name) => origins[name] !== undefined);
}
