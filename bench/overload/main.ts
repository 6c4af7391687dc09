/**
 * Compares ways to choose among asks to an actor that is asked for more than it can do: `npm run build && node build/bench/overload/main.js`.
 * The actor of Millrace runs on virtual time. The other ways are run by a model of one actor, over the same arrivals.
 */
import { ActorSystem, behavior } from '#src/actors/kernel/index.js';
import { silentLogger } from '#src/logging/index.js';
import { type Scheduler, VirtualScheduler } from '#src/scheduler/index.js';
import { Bench } from '../gen/bench.js';
import { codel, fifo, lifo, model, type Outcome, timeLeft } from './policies.js';

const SERVICE_MS = 10;
const RUN_MS = 20_000;

type Random = () => number;

/** Times of executions, with a mean of `SERVICE_MS`. */
const SERVICES: Readonly<Record<string, (random: Random) => number>> = {
  constant: () => SERVICE_MS,
  exponential: (random) => -Math.log(1 - random()) * SERVICE_MS,
  'one in ten is 9 times as long': (random) => (random() < 0.1 ? 50 : 5.6),
};

function arrivals(times: number, random: Random): readonly number[] {
  const all: number[] = [];
  const gapMs = SERVICE_MS / times;
  for (let atMs = 0; atMs < RUN_MS; atMs += -Math.log(1 - random()) * gapMs) all.push(atMs);
  return all;
}

async function millrace(arrivalsMs: readonly number[], timeoutMs: number, service: Random): Promise<Outcome> {
  const scheduler = new VirtualScheduler({ seed: 1 });
  let ids = 0n;
  const system = new ActorSystem({ name: 'bench', scheduler, logger: silentLogger, cUids: () => ++ids });
  let executed = 0;
  const echo = async (_state: undefined, request: { value: number }): Promise<{ value: number }> => {
    executed++;
    await pass(scheduler, service());
    return request;
  };
  const ref = system.spawn(behavior(Bench, { note: () => {}, pass: () => {}, echo }));
  const latenciesMs: number[] = [];
  const asked = arrivalsMs.map(async (atMs) => {
    await pass(scheduler, atMs);
    const answered = await ref.echo({}, { timeoutMs }).then(
      () => true,
      () => false,
    );
    if (answered) latenciesMs.push(scheduler.now() - atMs);
  });
  await Promise.all(asked);
  await system.shutdown();
  scheduler.close();
  return { answered: latenciesMs.length, executedInVain: executed - latenciesMs.length, latenciesMs };
}

function pass(scheduler: Scheduler, durationMs: number): Promise<void> {
  return new Promise((resolve) => void scheduler.setTimer(durationMs, resolve));
}

function row(name: string, { answered, executedInVain, latenciesMs }: Outcome): string {
  const capacity = RUN_MS / SERVICE_MS;
  const sorted = latenciesMs.toSorted((left, right) => left - right);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const percent = (part: number): string => `${((100 * part) / capacity).toFixed(0)} %`;
  return `| ${name} | ${percent(answered)} | ${percent(executedInVain)} | ${median.toFixed(0)} |`;
}

for (const [kind, service] of Object.entries(SERVICES)) {
  for (const timeoutMs of [50, 200, 1_000]) {
    for (const times of [2, 10]) {
      const seeds = new VirtualScheduler({ seed: 5 });
      const all = arrivals(times, seeds.fork('arrivals'));
      const own = (): Random => {
        const random = new VirtualScheduler({ seed: 5 }).fork('service');
        return () => service(random);
      };
      console.log(`\n${kind}, deadline ${timeoutMs} ms, ${times} times the capacity\n`);
      console.log('| way | answered in time | executed in vain | median latency, ms |\n|---|---:|---:|---:|');
      console.log(row('in order', model(fifo(), all, timeoutMs, own())));
      console.log(row('newest first', model(lifo(), all, timeoutMs, own())));
      console.log(row('CoDel, 5 ms in 100 ms', model(codel(5, 100), all, timeoutMs, own())));
      console.log(row('CoDel, half the deadline in 100 ms', model(codel(timeoutMs / 2, 100), all, timeoutMs, own())));
      console.log(row('in order, time left', model(timeLeft(SERVICE_MS), all, timeoutMs, own())));
      console.log(row('millrace', await millrace(all, timeoutMs, own())));
    }
  }
}
