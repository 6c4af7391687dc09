import { isWellFormed } from './well-formed.js';

/** One option: its default, and how its values are checked and parsed. */
export interface Option<T> {
  readonly default: T;
  /** The default for the help, where it differs from machine to machine. */
  readonly defaultText?: string;
  readonly description: string;
  /** What it accepts, as text for help and errors. */
  readonly accepts: string;
  /** Returns a value that the option accepts, undefined for any other. */
  check(value: unknown): T | undefined;
  /** The same for the text of an environment variable or a command line. */
  parse(text: string): T | undefined;
}

/** An option that accepts one of a few words. */
export function choice<const Words extends readonly string[]>(
  words: Words,
  about: { readonly default: Words[number]; readonly description: string },
): Option<Words[number]> {
  const check = (value: unknown): Words[number] | undefined => words.find((word) => word === value);
  return { ...about, accepts: words.join(' | '), check, parse: check };
}

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  readonly default: number;
  readonly description: string;
}

/** An option that accepts a whole number from `min` to `max`. */
export function integer({ min, max, ...about }: IntegerRange): Option<number> {
  const check = (value: unknown): number | undefined =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
  return {
    ...about,
    accepts: `an integer from ${min} to ${max}`,
    check,
    parse: (text) => check(/^\d+$/.test(text) ? Number(text) : undefined),
  };
}

/** An option that accepts one of a few words, or what `other` accepts. */
export function wordOr<const Words extends readonly string[], T>(
  words: Words,
  other: Option<T>,
): Option<Words[number] | T> {
  const find = (value: unknown): Words[number] | undefined => words.find((word) => word === value);
  return {
    default: other.default,
    description: other.description,
    accepts: `${words.join(', ')}, or ${other.accepts}`,
    check: (value) => find(value) ?? other.check(value),
    parse: (text) => find(text) ?? other.parse(text),
  };
}

export interface TextOption {
  readonly default: string;
  readonly defaultText?: string;
  readonly description: string;
  readonly accepts: string;
  /** Whether a text is one that this option accepts. */
  readonly isValid: (text: string) => boolean;
}

/** An option that accepts texts of one form. */
export function text({ isValid, ...about }: TextOption): Option<string> {
  const check = (value: unknown): string | undefined =>
    typeof value === 'string' && isWellFormed(value) && isValid(value) ? value : undefined;
  return { ...about, check, parse: check };
}

/** An option that accepts the path of a file, or an empty text for none. */
export function filePath(description: string): Option<string> {
  const isValid = (path: string): boolean => path === '' || /^[^\s\0]([^\0]*[^\s\0])?$/.test(path);
  return text({ default: '', defaultText: 'none', description, accepts: 'the path of a file', isValid });
}
