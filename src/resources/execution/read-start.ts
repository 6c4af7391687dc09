import type { Readable } from 'node:stream';
import { deserialize } from 'node:v8';
import { ProtocolError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';

/** Larger than any start data. */
const MAX_BYTES = 2 ** 24;

/**
 * Reads the start data, in a process that `startProcess` has started. Calls `orphaned` when the parent process has ended. Rejects with
 * ProtocolError when `input` does not contain start data.
 */
export function readStart(input: Readable, orphaned: () => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    let isComplete = false;
    const fail = (why: string): void => reject(new ProtocolError(`A partition received no valid start data: ${why}.`));
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
