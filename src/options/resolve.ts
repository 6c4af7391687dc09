import { ConfigError } from '../errors.js';
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

/** Where the value of an option came from. */
export type Provenance =
  | { readonly source: 'default' }
  | { readonly source: 'file'; readonly path: string }
  | { readonly source: 'environment'; readonly variable: string }
  | { readonly source: 'code' };

export interface ResolvedOptions {
  readonly values: OptionValues;
  readonly provenance: Readonly<Record<OptionName, Provenance>>;
}

export interface OptionSources {
  /** Wins over all others. An undefined value counts as not given. */
  readonly code?: { readonly [Name in OptionName]?: OptionValues[Name] | undefined };
  /** `process.env`, or the like: variables that do not begin with MILLRACE_ are left alone. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** MILLRACE_ variables that are no options, such as those that a launcher hands to its processes. */
  readonly otherVariables?: readonly string[];
  readonly file?: OptionsFile | undefined;
}

/**
 * Merges what code, environment and config file say over the defaults, in this order of precedence. Throws ConfigError for the
 * first name that is not known, with the nearest that is, or value that is wrong, with what is accepted.
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
  fromEnvironment(sources, take);
  fromCode(sources, take);
  const origins: Readonly<Record<string, Provenance>> = Object.fromEntries(provenance);
  if (!areOptionValues(values) || !areOrigins(origins))
    throw new ConfigError('The defaults of the option table are wrong.');
  return { values, provenance: origins };
}

type Take = (name: OptionName, value: unknown, from: Provenance) => void;

function fromFile({ file }: OptionSources, take: Take): void {
  for (const [name, value] of Object.entries(file?.values ?? {})) {
    const place = `in ${file?.path ?? 'the config file'}`;
    if (!isOptionName(name)) throw unknownName('Option', name, place, optionNames);
    take(name, checked(name, value, place), { source: 'file', path: file?.path ?? '' });
  }
}

function fromEnvironment({ env = {}, otherVariables = [] }: OptionSources, take: Take): void {
  const names = new Map(optionNames.map((name) => [variableOf(name), name]));
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('MILLRACE_') || value === undefined || otherVariables.includes(variable)) continue;
    const name = names.get(variable);
    if (name === undefined) throw unknownName('Variable', variable, 'in the environment', [...names.keys()]);
    const parsed = optionTable[name].parse(value);
    if (parsed === undefined) throw wrongValue(name, value, `from ${variable}`);
    take(name, parsed, { source: 'environment', variable });
  }
}

function fromCode({ code = {} }: OptionSources, take: Take): void {
  for (const [name, value] of Object.entries(code)) {
    if (!isOptionName(name)) throw unknownName('Option', name, 'in code', optionNames);
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

function unknownName(kind: string, name: string, place: string, known: readonly string[]): ConfigError {
  const nearest = nearestName(name, known);
  const advice = nearest === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${nearest}?`;
  return new ConfigError(`${kind} ${name} ${place} is not known. ${advice}`);
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

function areOrigins(
  origins: Readonly<Record<string, Provenance>>,
): origins is Readonly<Record<OptionName, Provenance>> {
  return optionNames.every((name) => origins[name] !== undefined);
}
