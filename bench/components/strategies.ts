import type { ScalingStrategy } from 'millrace';
import type { Measure, Question } from '../harness/question.js';
import { onShutdown } from '../harness/shutdown.js';

/** A request takes so many ms in its container. */
const SERVICE_MS = { least: 10, most: 50 };

/** What the strategies do with the same recorded load, on virtual time: the real pools and governor, and no processor that is too slow. */
export const strategies: Question = {
  slug: 'scaling-strategies',
  metric: 'wait for a container, 99 %',
  unit: 'ms',
  isMoreBetter: false,
  also: [
    { metric: 'wait for a container, median', unit: 'ms', isMoreBetter: false },
    { metric: 'most containers', unit: 'containers', isMoreBetter: false },
    { metric: 'container seconds', unit: 's', isMoreBetter: false },
  ],
  sizes: ['a load that rises, bursts and falls'],
  runs: 1,
  peer: 'millrace oldest-wait',
  subjects: {
    'millrace oldest-wait': following(async () => (await import('millrace')).oldestWait()),
    'millrace concurrency-target': following(async () => (await import('millrace')).concurrencyTarget()),
    'millrace utilisation': following(async () => (await import('millrace')).utilisation()),
  },
};

function following(load: () => Promise<ScalingStrategy>) {
  return async (): Promise<Measure> => {
    const strategy = await load();
    return () => measured(strategy);
  };
}

async function measured(strategy: ScalingStrategy): Promise<readonly number[]> {
  const { componentNetwork, Executor, govern } = await import('millrace');
  const { Bench } = await import('../gen/bench.js');
  const { waiter } = await import('./waiter.js');
  const executor = new Executor({ seed: 7, latencyMs: 1 });
  onShutdown(() => executor.stop());
  const { scheduler } = executor;
  const network = componentNetwork(await executor.start());
  govern(network, { limit: 40, strategy });
  const served = await network.serve(waiter, { containers: { min: 1, max: 40 } });
  const client = await network.client(Bench);
  const random = scheduler.fork('load');
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void scheduler.setTimer(ms, resolve));
  const waits: number[] = [];
  const requests: Promise<void>[] = [];
  let [most, used] = [0, 0];
  for (let second = 0; second < 180; second++) {
    const rate = perSecond(second);
    for (let count = 0; count < rate; count++) {
      await pause(1_000 / rate);
      const value = Math.round(SERVICE_MS.least + (SERVICE_MS.most - SERVICE_MS.least) * random());
      const beganMs = scheduler.now();
      const request = client.echo({ value }, { timeoutMs: 60_000 });
      requests.push(request.then(() => void waits.push(scheduler.now() - beganMs - value)));
      most = Math.max(most, served.containers);
    }
    used += served.containers;
  }
  await Promise.all(requests);
  waits.sort((one, other) => one - other);
  await executor.stop();
  return [waits[Math.floor(0.99 * waits.length)] ?? 0, waits[Math.floor(0.5 * waits.length)] ?? 0, most, used];
}

/** Requests in each second of three minutes: the load rises, bursts for ten seconds, and falls. */
function perSecond(second: number): number {
  if (second < 40) return 20 + 2 * second;
  return second < 50 ? 600 : Math.max(5, 100 - 2 * (second - 50));
}
