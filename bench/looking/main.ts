/**
 * What it costs to look at a runtime: `npm run build && node build/bench/looking/main.js`. The processor time of 10,000 actors that are watched once a second,
 * idle and with 10,000 messages a second between them, and the rate of tells with and without a watch.
 */
import { behavior, Executor, type Runtime } from '#src/index.js';
import { watchCluster } from '#src/introspection/index.js';
import { Bench } from '../gen/bench.js';

const ACTORS = 10_000;
const SECONDS = 8;
const TELLS = 3_000_000;

const counter = behavior(Bench, { note: () => {}, pass: () => {}, echo: (_state, { value }) => ({ value }) });

/** Seconds of processor time of this process for each second that passes. */
async function load(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  const begunMs = performance.now();
  for (let second = 0; second < SECONDS; second++) {
    const nextMs = begunMs + (second + 1) * 1_000;
    await work();
    await pass(nextMs - performance.now());
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - begunMs);
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

async function tellsPerSecond(runtime: Runtime): Promise<number> {
  const ref = runtime.spawn(counter);
  const begunMs = performance.now();
  for (let sent = 0; sent < TELLS; sent++) {
    ref.note({ value: sent });
    if (sent % 1_000 === 999) await ref.echo({});
  }
  const seconds = (performance.now() - begunMs) / 1_000;
  await runtime.stopActor(ref);
  return TELLS / seconds;
}

const executor = new Executor({});
const runtime = await executor.start({});
const actors = Array.from({ length: ACTORS }, () => runtime.spawn(counter));
const watch = watchCluster(runtime);
const tellAll = async (): Promise<void> => {
  for (const ref of actors) ref.note({ value: 1 });
  await actors.at(-1)?.echo({});
};
const looks = async (): Promise<void> => void (await watch.refresh());

await tellsPerSecond(runtime);
const unwatched = { idle: await load(async () => {}), busy: await load(tellAll), rate: await tellsPerSecond(runtime) };
await watch.refresh();
const watched = {
  idle: await load(looks),
  busy: await load(async () => {
    await tellAll();
    await looks();
  }),
  rate: await tellsPerSecond(runtime),
};
watch.close();
await executor.stop();

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const millions = (rate: number): string => `${(rate / 1e6).toFixed(1)} M/s`;
console.log(`| ${ACTORS} actors | not watched | watched once a second | the watch |\n|---|---:|---:|---:|`);
for (const [name, key] of [
  ['idle', 'idle'],
  ['each handles a message a second', 'busy'],
] as const) {
  console.log(
    `| ${name} | ${percent(unwatched[key])} | ${percent(watched[key])} | ${percent(watched[key] - unwatched[key])} |`,
  );
}
console.log(`| tells to one actor | ${millions(unwatched.rate)} | ${millions(watched.rate)} | |`);
