import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Most bytes of the corpus of one target: its smallest inputs. */
const MOST_BYTES = 12_000;

/** The committed inputs of a target: a file with one input a line, in base64. Tests run in the folder of the repository. */
function fileOf(target: string): string {
  return join(resolve('test/slow/fuzz/corpus'), `${target}.txt`);
}

export function readCorpus(target: string): readonly Uint8Array[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => new Uint8Array(Buffer.from(line, 'base64')));
}

/** Writes the shortest inputs, as many as the corpus may have. */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  let bytes = 0;
  const shortest = inputs
    .toSorted((left, right) => left.length - right.length)
    .map((input) => Buffer.from(input).toString('base64'))
    .filter((line) => (bytes += line.length + 1) <= MOST_BYTES);
  writeFileSync(fileOf(target), `${shortest.join('\n')}\n`);
}
