import type { Readable } from 'node:stream';
import { deserialize } from 'node:v8';
import { ProtocolError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';

/** Larger data than any start has. */
const MAX_BYTES = 2 ** 24;

/**
 * In a process that `startProcess` has started: what it is given. `orphaned` is called when the process that started it is gone.
 * ProtocolError when something else is at the other end of `input`.
 */
export function readStart(input: Readable, orphaned: () => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    let isComplete = false;
    const fail = (why: string): void => reject(new ProtocolError(`A partition was not told what to run: ${why}.`));
    input.on('data', (chunk: Buffer) => {
      if (isComplete) return;
      read = Buffer.concat([read, chunk]);
      if (read.length < 4) return;
      const length = read.readUInt32LE(0);
      if (length > MAX_BYTES) return fail(`${length} bytes were announced`);
      if (read.length < 4 + length) return;
      isComplete = true;
      try {
        resolve(deserialize(read.subarray(4, 4 + length)));
      } catch (error) {
        fail(namedMessageOf(error));
      }
    });
    input.on('error', orphaned).on('end', () => (isComplete ? orphaned() : fail('standard input has ended')));
  });
}
