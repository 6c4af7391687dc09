/** What Tab offers in `millrace repl`: commands, names of actors, their methods, and the fields of requests. */
import { escapeLine } from '../logging/index.js';

/** What is asked of the cluster for it. */
export interface Completable {
  readonly commands: readonly CommandWords[];
  names(): Promise<readonly string[]>;
  methods(name: string): Promise<readonly { readonly name: string; readonly fields: readonly string[] }[]>;
}

export interface CommandWords {
  readonly word: string;
  /** What its words are, in order. */
  readonly takes: readonly ('name' | 'method' | 'json' | 'text' | 'command')[];
}

/** As `completer` of node:readline: what the last part of the line may become, and that part. */
export type Completions = readonly [candidates: readonly string[], part: string];

/** A JSON string. */
const STRING = /"(?:[^"\\]|\\.)*"/g;
const WORD = new RegExp(`${STRING.source}|\\S+`, 'g');

/** Words of a line: those with blanks are JSON strings. */
export function wordsOf(line: string): readonly string[] {
  return Array.from(line.matchAll(WORD), ([word]) => word);
}

/** What stands behind the first words of a line. */
export function behindWords(line: string, count: number): string {
  const last = [...line.matchAll(WORD)][count - 1];
  return last === undefined ? '' : line.slice(last.index + last[0].length).trim();
}

/** Whether JSON in a line has not ended: it goes on in the next one. Only a command that takes JSON may have it. */
export function isUnfinished(line: string, commands: readonly CommandWords[]): boolean {
  const [name] = wordsOf(line);
  const jsonAt = commands.find(({ word }) => word === name)?.takes.indexOf('json') ?? -1;
  if (jsonAt < 0) return false;
  const outside = behindWords(line, jsonAt + 1).replaceAll(STRING, '');
  return outside.split('{').length > outside.split('}').length;
}

export async function completionsOf(line: string, known: Completable): Promise<Completions> {
  const [, word = '', rest] = /^\s*(\S*)(\s+.*)?$/s.exec(line) ?? [];
  if (rest === undefined)
    return starting(
      known.commands.map((each) => `${each.word} `),
      word,
    );
  const command = known.commands.find((each) => each.word === word);
  if (command === undefined) return [[], ''];
  const given = wordsOf(rest);
  const isBegun = !/\s$/.test(rest);
  const index = Math.max(0, isBegun ? given.length - 1 : given.length);
  const part = isBegun ? (given.at(-1) ?? '') : '';
  const jsonAt = command.takes.indexOf('json');
  if (jsonAt >= 0 && index >= jsonAt) return fieldsOf(line, textOf(given[0]), textOf(given[1]), known);
  switch (command.takes[index]) {
    case 'command':
      return starting(
        known.commands.map((each) => each.word),
        part,
      );
    case 'name':
      return starting(
        (await known.names()).map((name) => `${quoted(name)} `),
        part,
      );
    case 'method':
      return starting(
        (await known.methods(textOf(given[0]))).map(({ name }) => `${name} `),
        part,
      );
    default:
      return [[], ''];
  }
}

/** A name as a word of a line. */
export function quoted(name: string): string {
  return /^[^\s"]+$/.test(name) ? name : JSON.stringify(name);
}

/** What a word means. */
export function textOf(word = ''): string {
  if (!word.startsWith('"')) return word;
  try {
    const text: unknown = JSON.parse(word);
    return typeof text === 'string' ? text : word;
  } catch {
    return word;
  }
}

/** Behind `{` or a comma a field may begin. */
async function fieldsOf(line: string, name: string, method: string, known: Completable): Promise<Completions> {
  if (/\s$/.test(line) && !/[{,]\s*$/.test(line)) return [['{'], ''];
  const begun = /[{,]\s*(?<part>"?\w*)$/.exec(line)?.groups?.['part'];
  if (begun === undefined) return [[], ''];
  const found = (await known.methods(name)).find((each) => each.name === method);
  const part = begun.replace('"', '');
  const fields = (found?.fields ?? []).filter((field) => field.startsWith(part));
  return [shown(fields.map((field) => `"${field}":`)), begun];
}

function starting(all: readonly string[], part: string): Completions {
  return [shown(all.filter((each) => each.startsWith(part))), part];
}

/** What a terminal would take for a command of its own is not offered. */
function shown(texts: readonly string[]): readonly string[] {
  return texts.filter((text) => escapeLine(text) === text);
}
