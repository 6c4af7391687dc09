/** Parsers of the options of `millrace run`. A wrong value is refused before the module is loaded. */
import { InvalidArgumentError } from 'commander';
import { type OptionValues, optionTable } from '../options/index.js';

export interface Crash {
  /** Index of the node. */
  readonly node: number;
  /** Time after the start of the pipeline. */
  readonly atMs: number;
  /** The text of the option. */
  readonly text: string;
}

/** The parsed options. */
export interface RunFlags {
  /** Port of the page; true: a free one. */
  readonly dashboard?: number | true;
  readonly partitions?: OptionValues['partitions'];
  readonly placement?: OptionValues['placement'];
  readonly instances: Readonly<Record<string, number>>;
  readonly nodes?: number;
  readonly seed?: number;
  readonly latency?: number;
  readonly loss?: number;
  readonly duplicate?: number;
  readonly crash: readonly Crash[];
  readonly trace?: string;
  readonly record?: string;
  readonly recordActors?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to) {
      throw new InvalidArgumentError(`It is a whole number from ${from} to ${to}.`);
    }
    return value;
  };
}

/** Accepts what the option `partitions` accepts. */
export function partitionsOf(text: string): OptionValues['partitions'] {
  const { partitions } = optionTable;
  const value = partitions.parse(text);
  if (value === undefined) throw new InvalidArgumentError(`It is ${partitions.accepts}.`);
  return value;
}

/** Accepts what the option `placement` accepts. */
export function placementOf(text: string): OptionValues['placement'] {
  const { placement } = optionTable;
  const value = placement.parse(text);
  if (value === undefined) throw new InvalidArgumentError(`It is ${placement.accepts}.`);
  return value;
}

export function chance(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < 1)) {
    throw new InvalidArgumentError('It is a number of 0 or more, and less than 1.');
  }
  return value;
}

export function milliseconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 60_000)) {
    throw new InvalidArgumentError('It is a number of milliseconds from 0 to 60000.');
  }
  return value;
}

export function instancesOf(
  text: string,
  previous: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const match = /^([^=]+)=(\d+)$/.exec(text);
  const count = Number(match?.[2]);
  if (match?.[1] === undefined || !(count >= 1 && count <= 4_096)) {
    throw new InvalidArgumentError('It is SEGMENT=N, with N from 1 to 4096: tally=4.');
  }
  return Object.fromEntries([...Object.entries(previous), [match[1], count]]);
}

export function crashOf(text: string, previous: readonly Crash[]): readonly Crash[] {
  const match = /^(\d+)@(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError('It is NODE@TIME, the index of a node and a time with its unit: 1@2s, 0@500ms.');
  }
  const unit = { ms: 1, s: 1_000, m: 60_000 }[match[3] ?? ''] ?? 1;
  return [...previous, { node: Number(match[1]), atMs: Number(match[2]) * unit, text }];
}
