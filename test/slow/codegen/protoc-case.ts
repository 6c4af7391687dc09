/** Small files that protoc accepts or refuses; the generator has to agree. */
export interface Case {
  readonly title: string;
  readonly verdict: 'accepted' | 'refused';
  /** `a.proto`, or several files by their path. */
  readonly source: string | Readonly<Record<string, string>>;
  /** What the generator's error says, among other things. */
  readonly said?: readonly string[];
  /** Whether the protoc of Debian is too old for it: it knows no editions. */
  readonly isNewer?: boolean;
}

export function sourcesOf({ source }: Case): Readonly<Record<string, string>> {
  return typeof source === 'string' ? { 'a.proto': source } : source;
}

export type Row = readonly [title: string, source: Case['source'], ...said: readonly string[]];

export const accepted = (rows: readonly Row[]): readonly Case[] =>
  rows.map(([title, source]) => ({ title, source, verdict: 'accepted' }));
export const refused = (rows: readonly Row[]): readonly Case[] =>
  rows.map(([title, source, ...said]) => ({ title, source, said, verdict: 'refused' }));
export const newer = (cases: readonly Case[]): readonly Case[] => cases.map((one) => ({ ...one, isNewer: true }));

export const P3 = 'syntax = "proto3"; package p;\n';
export const P2 = 'syntax = "proto2"; package p;\n';
export const field = (type: string, option: string) =>
  `${P2}message M { optional ${type} a = 1 [default = ${option}]; }`;
