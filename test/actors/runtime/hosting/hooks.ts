/**
 * An initializer of partitions that writes what it does to a file. Its URL says which: `?file=...&name=a`, and with `deed` what goes wrong:
 * `throws`, `throws later` and `exits later` from the second time on, `throws at the end`.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { pid } from 'node:process';
import { threadId } from 'node:worker_threads';

export interface HookNote {
  readonly name: string;
  readonly what: 'initialize' | 'finalize';
  readonly index: number;
  readonly pid: number;
  readonly thread: number;
}

interface Plan {
  readonly index: number;
}

export interface HookWishes {
  readonly name?: string;
  readonly deed?: 'throws' | 'throws later' | 'exits later' | 'throws at the end';
}

/** URL of this module with wishes. */
export function hooks(file: string, { name = 'a', deed }: HookWishes = {}): string {
  const url = new URL(import.meta.url);
  url.search = String(new URLSearchParams({ file, name, ...(deed && { deed }) }));
  return url.href;
}

export function hookNotes(file: string): HookNote[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as HookNote);
}

const wishes = new URL(import.meta.url).searchParams;
const file = wishes.get('file') ?? '';
const name = wishes.get('name') ?? '';
const deed = wishes.get('deed');

export function initialize(plan: Plan): void {
  const isLater = hookNotes(file).some((earlier) => earlier.index === plan.index && earlier.name === name);
  note('initialize', plan);
  if (deed === 'throws' || (deed === 'throws later' && isLater)) throw new RangeError(`${name} cannot initialize`);
  if (deed === 'exits later' && isLater) process.exit(9);
}

export async function finalize(plan: Plan): Promise<void> {
  await Promise.resolve();
  note('finalize', plan);
  if (deed === 'throws at the end') throw new RangeError(`${name} cannot finalize`);
}

function note(what: HookNote['what'], { index }: Plan): void {
  const said: HookNote = { name, what, index, pid, thread: threadId };
  appendFileSync(file, `${JSON.stringify(said)}\n`);
}
