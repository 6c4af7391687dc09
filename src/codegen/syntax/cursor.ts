/** Steps through the tokens of one file; what a parser asks for, and the errors when it is not there. */
import type { ConfigError } from '../../errors.js';
import { integerOf } from './numbers.js';
import { bytesOf, type Comment, refusal, type Token, tokenize } from './tokens.js';

const END: Token = { kind: 'end', text: '', line: 1 };

export class Cursor {
  readonly path: string;
  readonly #tokens: readonly Token[];
  readonly #commentsByLastLine: ReadonlyMap<number, Comment>;
  readonly #trailingByLine: ReadonlyMap<number, Comment>;
  /** Lines whose first declaration has the comment above them: the others of the line do not. */
  readonly #explained = new Set<number>();
  #index = 0;

  constructor(source: string, path: string, isUtf8: boolean) {
    this.path = path;
    const { tokens, comments } = tokenize(source, path, isUtf8);
    this.#tokens = tokens;
    this.#commentsByLastLine = new Map(comments.filter(({ isAlone }) => isAlone).map((one) => [one.lastLine, one]));
    this.#trailingByLine = new Map(comments.filter(({ isAlone }) => !isAlone).map((one) => [one.firstLine, one]));
  }

  /** The next token, or the one `ahead` of it. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)] ?? END;
  }

  take(): Token {
    const token = this.peek();
    this.#index++;
    return token;
  }

  /** Steps over `text`, a symbol or a word, when it comes next. */
  skip(text: string): boolean {
    const { kind, text: next } = this.peek();
    if (next !== text || kind === 'string') return false;
    this.#index++;
    return true;
  }

  /** Steps over comments of text format, which begin with `#` and end with the line. */
  skipHashComments(): void {
    while (this.peek().text === '#') {
      const { line } = this.take();
      while (this.peek().line === line && this.peek().kind !== 'end') this.take();
    }
  }

  expect(text: string, where: string): void {
    if (!this.skip(text)) throw this.wrong(`"${text}" ${where}`);
  }

  word(what: string): string {
    if (this.peek().kind !== 'word') throw this.wrong(what);
    return this.take().text;
  }

  /** `a.b.c`, with a leading dot or without. */
  dottedName(what: string): string {
    let name = this.skip('.') ? '.' : '';
    name += this.word(what);
    while (this.skip('.')) name += `.${this.word(what)}`;
    return name;
  }

  /** An integer with its sign; exact up to 2^53, and beyond that still beyond every bound. */
  integer(what: string): number {
    const isNegative = this.skip('-');
    if (this.peek().kind !== 'integer') throw this.wrong(what);
    const value = Number(integerOf(this.take().text));
    return isNegative ? -value : value;
  }

  /** One or more string tokens, which are one string. */
  bytes(what: string): Uint8Array {
    if (this.peek().kind !== 'string') throw this.wrong(what);
    const parts: Uint8Array[] = [];
    while (this.peek().kind === 'string') parts.push(bytesOf(this.take(), this.path));
    return Buffer.concat(parts);
  }

  string(what: string): string {
    return Buffer.from(this.bytes(what)).toString('utf8');
  }

  /** The error that something else stands here than `expected`. */
  wrong(expected: string): ConfigError {
    const { kind, text, line } = this.peek();
    const found = kind === 'end' ? `the file ends in line ${line}` : `line ${line} has ${text}`;
    return refusal(this.path, line, `Expected ${expected}, but ${found}.`);
  }

  /** What is written in the lines right above `line`. */
  commentAbove(line: number): string | undefined {
    if (this.#explained.has(line)) return undefined;
    this.#explained.add(line);
    const parts: string[] = [];
    for (let last = line - 1; ; ) {
      const comment = this.#commentsByLastLine.get(last);
      if (comment === undefined) break;
      parts.unshift(comment.text);
      last = comment.firstLine - 1;
    }
    return parts.length === 0 ? undefined : parts.join('\n');
  }

  /** What is written behind the token that was taken last, which is the last of its line. */
  commentBehind(): string | undefined {
    const { line } = this.peek(-1);
    const isLast = this.peek().line > line || this.peek().kind === 'end';
    return isLast ? this.#trailingByLine.get(line)?.text : undefined;
  }
}
