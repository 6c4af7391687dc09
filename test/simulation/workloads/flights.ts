import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { importPipeline } from '#src/actors/runtime/index.js';
import { type Pipeline, PipelineError, type Runtime } from '#src/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { plainResult, rowsFrom } from '../../examples/flights.js';

const MODULE = pathToFileURL(resolve('examples/flights/dist/flights.js')).href;
/** Times that the pipeline may start anew. */
const RESTARTS = 3;

/** The flights example on nodes that crash and are cut off: it finds what plain JavaScript finds. */
export default workload('flights', {
  sizes: { nodes: [1, 3], partitions: [1, 2], rows: [1, 1_500] },
  faults: { loss: 0.05, duplicate: 0.05, reorder: 0.05, crashes: 2, cuts: 1 },
  faultMs: 400,
  runtime: ({ partitions = 1 }) => ({ system: { partitions } }),
  async run(world) {
    const runtime = world.nodes[0]?.runtime;
    if (runtime === undefined) return;
    // The same for each run of a seed, since it goes along in messages; and nobody else's.
    const folder = join(tmpdir(), `millrace-flights-${process.pid}-${threadId}`);
    mkdirSync(folder, { recursive: true });
    try {
      const pipeline = await importPipeline(MODULE, world.executor.scheduler);
      await findTheSame(world, runtime, pipeline, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
});

async function findTheSame(world: World, runtime: Runtime, pipeline: Pipeline, folder: string): Promise<void> {
  const rows = rowsFrom(world.plan.seed, world.size('rows'));
  const input = join(folder, 'input.json');
  writeFileSync(input, JSON.stringify(rows));
  const run = await runtime.run(pipeline, { args: { input, out: folder, quiet: true } });
  const error = await run.done.then(
    () => undefined,
    (failure: Error) => failure,
  );
  if (error === undefined) {
    const found: unknown = JSON.parse(readFileSync(join(folder, 'flights.json'), 'utf8'));
    world.check(JSON.stringify(found) === JSON.stringify(plainResult(rows)), 'it found something else than it should');
  } else {
    const mayFail = error instanceof PipelineError && world.plan.faults.length > RESTARTS;
    world.check(mayFail, `it failed, though it may start anew: ${error.message}`);
  }
}
