import type { ScalingStrategy } from '#src/actors/governor/index.js';
import { scalerOf } from '#src/actors/governor/strategy.js';
import { randomStream } from '#src/scheduler/index.js';

/** A request of a recorded load: when it arrives, and how long a container has it, in ms. */
export interface LoadedRequest {
  readonly atMs: number;
  readonly serviceMs: number;
}

/** The load of a shop for two minutes: it rises, bursts for ten seconds, and falls. The same for the same seed. */
export function shopLoad(seed: number): readonly LoadedRequest[] {
  const random = randomStream(`shop ${seed}`);
  const requests: LoadedRequest[] = [];
  const perSecond = (second: number): number => {
    if (second < 40) return 20 + 2 * second;
    if (second < 50) return 600;
    return Math.max(5, 100 - 2 * (second - 50));
  };
  for (let second = 0; second < 120; second++) {
    const count = perSecond(second);
    for (let index = 0; index < count; index++) {
      requests.push({ atMs: 1_000 * (second + random()), serviceMs: 10 + 40 * random() });
    }
  }
  return requests.sort((one, other) => one.atMs - other.atMs);
}

export interface LoadRun {
  readonly offered: number;
  readonly served: number;
  /** Waits for a container, in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Most containers at a time, those at the end, and how many seconds containers have run in total. */
  readonly most: number;
  readonly last: number;
  readonly containerSeconds: number;
}

/** What a strategy does with a load: a pool without processes, in steps of 10 ms. Requests are overdue after 50 ms. */
export function runLoad(
  strategy: ScalingStrategy,
  load: readonly LoadedRequest[],
  { startMs, max }: { readonly startMs: number; readonly max: number },
): LoadRun {
  const STEP_MS = 10;
  const scaler = scalerOf(strategy);
  const waits: number[] = [];
  const queue: LoadedRequest[] = [];
  let [starting, busy, idle]: [number[], number[], number] = [[], [], 0];
  let [arrived, served, most, used, serviceMs] = [0, 0, 0, 0, 0];
  const containers = (): number => starting.length + busy.length + idle;
  for (let nowMs = 0; nowMs < 240_000; nowMs += STEP_MS) {
    idle += starting.filter((readyMs) => readyMs <= nowMs).length + busy.filter((endMs) => endMs <= nowMs).length;
    starting = starting.filter((readyMs) => readyMs > nowMs);
    busy = busy.filter((endMs) => endMs > nowMs);
    for (let next = load[arrived]; next !== undefined && next.atMs <= nowMs; next = load[arrived]) {
      queue.push(next);
      arrived++;
    }
    for (; idle > 0 && queue.length > 0; idle--) {
      const request = queue.shift();
      if (request === undefined) break;
      busy.push(nowMs + request.serviceMs);
      waits.push(nowMs - request.atMs);
      serviceMs = serviceMs === 0 ? request.serviceMs : 0.9 * serviceMs + 0.1 * request.serviceMs;
      served++;
    }
    const oldestWaitMs = queue[0] === undefined ? 0 : nowMs - queue[0].atMs;
    const isOverdue = oldestWaitMs >= 50 && oldestWaitMs < 50 + STEP_MS;
    if (nowMs % 100 === 0 || isOverdue) {
      const waiting = queue.length;
      const counts = { containers: containers(), starting: starting.length, busy: busy.length, waiting, oldestWaitMs };
      const pool = {
        nowMs,
        ...counts,
        arrived,
        startMs,
        serviceMs,
        utilization: busy.length / Math.max(1, containers()),
      };
      const wanted = Math.min(max, scaler({ kind: isOverdue ? 'overdue' : 'tick', pool }).containers);
      for (let count = containers(); count < wanted; count++) starting.push(nowMs + startMs);
      idle -= Math.min(idle, Math.max(0, containers() - wanted));
    }
    most = Math.max(most, containers());
    used += (containers() * STEP_MS) / 1_000;
  }
  waits.sort((one, other) => one - other);
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0;
  return {
    offered: load.length,
    served,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    most,
    last: containers(),
    containerSeconds: Math.round(used),
  };
}
