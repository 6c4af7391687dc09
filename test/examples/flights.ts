/** Runs the flights example through the public API, and works out what it should find, in plain JavaScript. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importPipeline, type Placement } from '#src/actors/runtime/index.js';
import { Executor, type ExecutorOptions, memoryLogger } from '#src/index.js';

export const SAMPLE = resolve('node_modules/vega-datasets/data/flights-200k.json');
const MODULE = pathToFileURL('examples/flights/dist/flights.js').href;

export interface Cluster extends Pick<ExecutorOptions, 'seed' | 'latencyMs' | 'loss' | 'duplicate' | 'net'> {
  /** Default `inline`. */
  readonly placement?: Placement;
  readonly nodes?: number;
  readonly partitions?: number;
  readonly instances?: Readonly<Record<string, number>>;
  readonly crash?: { readonly node: number; readonly atMs: number };
}

export interface Ran {
  /** What flights.json holds; undefined where there is none. */
  readonly json: string | undefined;
  readonly error: Error | undefined;
  readonly restarts: number;
  readonly rejected: readonly Readonly<Record<string, unknown>>[];
}

/** A folder for one test file's inputs and results. */
export function folderOfTests(): { readonly path: string; input(text: string): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'millrace-flights-'));
  let files = 0;
  return {
    path,
    input: (text) => {
      const file = join(path, `input-${files++}.json`);
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}

export async function runFlights(input: string, folder: string, cluster: Cluster = {}): Promise<Ran> {
  const { nodes = 1, partitions = 1, placement = 'inline', instances = {}, crash, ...network } = cluster;
  const log = memoryLogger();
  const executor = new Executor({ ...network, log });
  const out = mkdtempSync(join(folder, 'out-'));
  let error: Error | undefined;
  let restarts = 0;
  try {
    const first = await executor.start({ node: 'node-0', placement, system: { partitions } });
    for (let node = 1; node < nodes; node++) {
      await executor.start({ node: `node-${node}`, controlPlane: first.controlPlane, system: { partitions } });
    }
    const flights = await importPipeline(MODULE, executor.scheduler);
    const run = await first.run(flights, { args: { input, out, quiet: true }, instances });
    if (crash !== undefined) executor.scheduler.setTimer(crash.atMs, () => executor.crash(`node-${crash.node}`));
    await run.done.catch((failure: unknown) => {
      error = failure instanceof Error ? failure : new Error(String(failure));
    });
    restarts = run.restarts;
  } finally {
    await executor.stop();
  }
  const rejected = log.records.filter(({ message }) => message === 'row rejected').map(({ fields }) => fields);
  return { json: readIfThere(join(out, 'flights.json')), error, restarts, rejected };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export interface Row {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

/** Rows as the sample has them, the same for the same seed. */
export function rowsFrom(seed: number, count: number): Row[] {
  let state = seed;
  const chance = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => ({
    delay: Math.floor(chance() * 300) - 60,
    distance: Math.floor(chance() * 5_000),
    time: Math.floor(chance() * 1_440) / 60,
  }));
}

/** Delays are whole numbers here, so that plain addition is exact. */
export function plainResult(rows: readonly Row[], rejected = 0): unknown {
  const hours = new Map<number, number[]>();
  const bands = new Map<number, number[]>();
  for (const { delay, distance, time } of rows) {
    const [hour, band] = [Math.floor(time), Math.floor(distance / 250) * 250];
    hours.set(
      hour,
      [...(hours.get(hour) ?? [0, 0])].map((value, index) => value + (index === 0 ? 1 : delay)),
    );
    bands.set(
      band,
      [...(bands.get(band) ?? [0, 0])].map((value, index) => value + (index === 0 ? 1 : delay)),
    );
  }
  const groups = (map: Map<number, number[]>, name: string): unknown[] =>
    [...map]
      .sort(([left], [right]) => left - right)
      .map(([from, [count = 0, sum = 0]]) => ({ [name]: from, count, meanDelayMinutes: sum / count }));
  return { flights: rows.length, rejected, byHour: groups(hours, 'hour'), byDistance: groups(bands, 'fromMiles') };
}

export function parsed({ json, error }: Ran): unknown {
  if (json === undefined) throw new Error(`There is no result: ${error?.message ?? 'the run ended well'}`);
  return JSON.parse(json);
}
