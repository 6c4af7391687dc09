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

/** Bytes that say which value they belong to, wherever one looks. */
export function patterned(sizeBytes: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1) bytes[index] = (mark + index * 7) & 0xff;
  return bytes;
}

export function isPatterned(bytes: Uint8Array, mark: number): boolean {
  for (let index = 0; index < bytes.length; index += 1) if (bytes[index] !== ((mark + index * 7) & 0xff)) return false;
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
