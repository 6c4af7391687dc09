import type { Runtime } from '#src/actors/runtime/index.js';
import type { Cluster } from '../runtime/harness.js';
import { until } from '../runtime/cluster.js';

/** Two processes that publish and subscribe. */
export interface Pair {
  readonly cluster: Cluster;
  readonly writer: Runtime;
  readonly reader: Runtime;
}

export async function pair(cluster: Cluster): Promise<Pair> {
  const writer = await cluster.start();
  return { cluster, writer, reader: await cluster.start() };
}

/** A multiple of 256, after which the pattern repeats. */
const CHUNK = 64 * 1024;
const PATTERN = Uint8Array.from({ length: CHUNK + 256 }, (_, index) => index * 7);

/** The pattern of a mark, which begins with that. 183 * 7 is 1 modulo 256. */
function patternOf(mark: number): Uint8Array {
  const start = (mark * 183) & 0xff;
  return PATTERN.subarray(start, start + CHUNK);
}

/** Bytes that say which value they belong to, wherever one looks. */
export function patterned(sizeBytes: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  Buffer.from(bytes.buffer).fill(patternOf(mark));
  return bytes;
}

export function isPatterned(bytes: Uint8Array, mark: number): boolean {
  const pattern = patternOf(mark);
  for (let index = 0; index < bytes.length; index += CHUNK) {
    const part = bytes.subarray(index, index + CHUNK);
    if (Buffer.compare(part, pattern.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}

/** Waits until no value of any of these is owned, held or refused, and no block of them is in use. */
export async function settled(...runtimes: readonly Runtime[]): Promise<void> {
  await until(() =>
    runtimes.every((runtime) => {
      const { owned, held, blocks } = runtime.metrics().values;
      return owned === 0 && held === 0 && blocks === 0;
    }),
  );
}
