import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Output, SegmentContext } from 'millrace';
import type { TextInit } from '../gen/flights.js';
import { splitArray } from './split-array.js';

/** Bytes of one read. */
const READ_BYTES = 64 * 1024;

/** Source: the rows of the file, as text. No more of it is in memory than its readers have room for. */
export async function read(
  input: string | undefined,
  output: Output<TextInit>,
  context: SegmentContext,
): Promise<void> {
  for await (const text of splitArray(partsOf(input ?? sample(), context))) await output.write(text);
}

/** Each read is outside work: virtual time stands still until the disk has answered. */
async function* partsOf(path: string, context: SegmentContext): AsyncGenerator<Uint8Array> {
  const file = await context.outside(open(path));
  try {
    for (;;) {
      // A part of its own each time: pieces of the last ones are still on their way.
      const { buffer, bytesRead } = await context.outside(file.read(Buffer.allocUnsafeSlow(READ_BYTES)));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await context.outside(file.close());
  }
}

/** The package exports its module alone; the data lies beside that. */
function sample(): string {
  let module: string;
  try {
    module = import.meta.resolve('vega-datasets');
  } catch (cause) {
    throw new Error(
      'The flights are in the package vega-datasets, which is not installed. Run: npm install vega-datasets@3.2.1, or name a file: -- --input FILE.',
      { cause },
    );
  }
  return fileURLToPath(new URL('../data/flights-200k.json', module));
}
