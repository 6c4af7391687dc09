/** What one option is: how values of it look in code and files, how they look in the environment, and what it is without either. */
export interface Option<T> {
  readonly default: T;
  /** For help, where the default itself differs from machine to machine. */
  readonly defaultText?: string;
  readonly description: string;
  /** What it accepts, in words: the second half of an error message. */
  readonly accepts: string;
  /** The value when it is one, otherwise undefined. */
  check(value: unknown): T | undefined;
  /** The same for text, as environment variables and command lines have it. */
  parse(text: string): T | undefined;
}

/** One of a few words. */
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

/** A whole number within bounds, both included. */
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

/** What `other` accepts, or one of a few words. */
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

/** A text with a form of its own. */
export function text({ isValid, ...about }: TextOption): Option<string> {
  const check = (value: unknown): string | undefined =>
    typeof value === 'string' && isValid(value) ? value : undefined;
  return { ...about, check, parse: check };
}

/** The path of a file, or nothing. */
export function filePath(description: string): Option<string> {
  const isValid = (path: string): boolean => path === '' || /^[^\s\0]([^\0]*[^\s\0])?$/.test(path);
  return text({ default: '', defaultText: 'none', description, accepts: 'the path of a file', isValid });
}
