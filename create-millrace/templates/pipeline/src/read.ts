import { open } from 'node:fs/promises';
import type { Output, SegmentContext } from 'millrace';
import type { RequestInit } from '../gen/requests.js';

/**
 * Source: a request for each line. `write` waits while its readers have no room, so that no more of the file is in memory than that.
 * `outside` declares the work of the disk, for which a simulation waits.
 */
export async function read(input: string, output: Output<RequestInit>, context: SegmentContext): Promise<void> {
  const file = await context.outside(open(input));
  try {
    const lines = file.readLines()[Symbol.asyncIterator]();
    for (let number = 1; ; number++) {
      const line = await context.outside(lines.next());
      if (line.done === true) return;
      if (line.value !== '') await output.write(parse(line.value, `${input}:${number}`));
    }
  } finally {
    await context.outside(file.close());
  }
}

/** Throws an error that names the place of a line that is none. */
export function parse(line: string, place: string): RequestInit {
  const [path, status, ms, ...rest] = line.split(' ');
  if (path === undefined || !isCount(status) || !isCount(ms) || rest.length > 0) {
    throw new Error(`${place}: expected PATH STATUS MILLISECONDS, not "${line}".`);
  }
  return { path, status: Number(status), ms: Number(ms) };
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,9}$/.test(text);
}
