/** From text to tokens: words, numbers, strings and symbols, with lines, and comments put aside. */
import { ConfigError } from '../../errors.js';
import { FLOAT, INTEGER } from './numbers.js';

export interface Token {
  readonly kind: 'word' | 'integer' | 'float' | 'string' | 'symbol' | 'end';
  /** As it is written. */
  readonly text: string;
  readonly line: number;
}

export interface Comment {
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
  /** Whether nothing but space stands before it in its line. */
  readonly isAlone: boolean;
}

const TOKEN = new RegExp(
  [
    /(?<space>[ \t\r\f\v\n]+)/,
    /(?<comment>\/\/[^\n]*|\/\*[^]*?\*\/)/,
    /(?<word>[A-Za-z_][A-Za-z0-9_]*)/,
    new RegExp(`(?<float>${FLOAT})`),
    new RegExp(`(?<integer>${INTEGER})`),
    /(?<string>"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*')/,
    /(?<symbol>[{}[\]()<>=;:,.-]|\/(?!\*))/,
  ]
    .map((part) => part.source)
    .join('|'),
  'y',
);

/** All tokens of `source`, the last of which is `end`. Throws ConfigError, with file and line, for what is no token. */
export function tokenize(source: string, path: string): { tokens: readonly Token[]; comments: readonly Comment[] } {
  const tokens: Token[] = [];
  const comments: Comment[] = [];
  let line = 1;
  let lineOfToken = 0;
  let position = source.startsWith('\uFEFF') ? 1 : 0;
  while (position < source.length) {
    TOKEN.lastIndex = position;
    const groups = TOKEN.exec(source)?.groups;
    if (groups === undefined) throw refusal(path, line, wrongAt(source, position));
    const [kind, text = ''] = Object.entries(groups).find(([, found]) => found !== undefined) ?? [];
    const isNumber = kind === 'float' || kind === 'integer';
    position += text.length;
    if (isNumber && /[A-Za-z_0-9]/.test(source.charAt(position))) {
      throw refusal(path, line, wrongNumber(/^\w*/.exec(source.slice(position - text.length))?.[0] ?? text));
    }
    const lastLine = line + newlinesIn(text);
    if (kind === 'comment') {
      comments.push({ text: textOf(text), firstLine: line, lastLine, isAlone: lineOfToken !== line });
    } else if (kind === 'word' || isNumber || kind === 'string' || kind === 'symbol') {
      tokens.push({ kind, text, line });
      lineOfToken = line;
    }
    line = lastLine;
  }
  tokens.push({ kind: 'end', text: '', line });
  return { tokens, comments };
}

/** The bytes that string tokens stand for: their escapes are of bytes. Throws ConfigError for an unknown escape. */
export function bytesOf({ text, line }: Token, path: string): Uint8Array {
  const parts = text
    .slice(1, -1)
    .match(/\\(?:[xX][0-9a-fA-F]{1,2}|[0-7]{1,3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])|[^\\]+/g);
  return Buffer.concat(
    (parts ?? []).map((part) => {
      if (!part.startsWith('\\')) return Buffer.from(part, 'utf8');
      const bytes = escaped(part);
      if (bytes === undefined) throw refusal(path, line, `A string has the unknown escape ${part}.`);
      return bytes;
    }),
  );
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};

function escaped(part: string): Buffer | undefined {
  const letter = part.charAt(1);
  const digits = part.slice(2);
  if (Object.hasOwn(SIMPLE, letter)) return Buffer.from(SIMPLE[letter] ?? '', 'utf8');
  if (/[0-7]/.test(letter)) return Buffer.of(Number.parseInt(part.slice(1), 8) & 255);
  if (digits === '') return undefined;
  const value = Number.parseInt(digits, 16);
  if (/x/i.test(letter)) return Buffer.of(value);
  return value > 0x10ffff ? undefined : Buffer.from(String.fromCodePoint(value), 'utf8');
}

function wrongNumber(text: string): string {
  if (!/^0\d+$/.test(text)) return `"${text}" is neither a number nor a name.`;
  return `"${text}" begins with 0, so it is octal, and octal numbers have no 8 and 9. Remove the 0.`;
}

function wrongAt(source: string, position: number): string {
  const character = String.fromCodePoint(source.codePointAt(position) ?? 0);
  if (source.startsWith('/*', position)) return 'A comment that begins with /* has no end. Close it with */.';
  if (character === '"' || character === "'")
    return 'A string has no end in its line. Close it, or escape the new line.';
  return `The character ${JSON.stringify(character)} has no meaning here.`;
}

function textOf(comment: string): string {
  if (comment.startsWith('//')) return comment.replace(/^\/\/+ ?/, '').trimEnd();
  const lines = comment.slice(2, -2).replace(/^\*+/, '').split('\n');
  return lines
    .map((line) => line.trim().replace(/^\*+ ?/, ''))
    .join('\n')
    .trim();
}

function newlinesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** An error about one line of a .proto file, in the form that editors and terminals make a link of. */
export function refusal(path: string, line: number, message: string): ConfigError {
  return new ConfigError(`${path}:${line}: ${message}`);
}
