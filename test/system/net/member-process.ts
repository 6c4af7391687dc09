/**
 * A process of its own: serves the control plane, or joins it with actors that are registered, and asks the others without end. Answers each
 * command of its parent.
 */
import { setTimeout } from 'node:timers/promises';
import { type PipelineRun, Runtime, type StartOptions } from '#src/actors/runtime/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { createLogger, silentLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';
import { errands } from '../../actors/transport/partitions.js';
import { answerCommands } from '../commanded-process.js';
import counting from './counting.js';

const [nodeName = '', listen = 'unix:', plane, role] = process.argv.slice(2);
const log = process.env['MEMBER_LOG'] === undefined ? silentLogger : createLogger({ level: 'debug', format: 'text' });
const place = { listen, nodeName, log, linkDeadMs: 2_000 };
const runtime = await Runtime.start({ ...place, ...controlPlane() });
const counts = { asked: 0, answered: 0, handled: 0, failures: [] as string[] };
const answer = errands({
  run: (_state, { value, load }) => {
    counts.handled++;
    return { value: value * 2, load };
  },
});
let run: PipelineRun | undefined;
const own = runtime.spawn(answer, { name: `errands-${nodeName}` });
const others: ActorRef<typeof Errands>[] = [];
let isAsking = false;

/** None: this process serves it. */
function controlPlane(): Pick<StartOptions, 'clusterStore' | 'clusterRole' | 'leaseMs' | 'controlPlane'> {
  if (role === 'candidate' || role === 'member')
    return { clusterStore: plane ?? '', clusterRole: role, leaseMs: 3_000 };
  return plane === undefined ? {} : { controlPlane: plane };
}

async function askAll(): Promise<void> {
  while (isAsking) {
    for (const [index, other] of others.entries()) {
      counts.asked++;
      try {
        const { value } = await other.run({ value: index }, { timeoutMs: 30_000 });
        if (value === 2 * index) counts.answered++;
      } catch (error) {
        counts.failures.push(String(error));
      }
    }
    await setTimeout(1);
  }
}

let asking = Promise.resolve();

const commands: Readonly<Record<string, (...names: string[]) => Promise<unknown>>> = {
  register: async () => {
    await runtime.register(`errands-${nodeName}`, own);
    await runtime.register('all', own, { group: true });
  },
  ask: async (...names) => {
    for (const name of names) others.push(await runtime.lookup(Errands, name));
    isAsking = true;
    asking = askAll();
  },
  finish: async () => {
    isAsking = false;
    await asking;
    return counts;
  },
  lookup: async (name = '') => {
    const ref = await runtime.lookup(Errands, name, { timeoutMs: 120_000 });
    return (await ref.run({ value: 21 })).value;
  },
  /** How many members of the group answer, by the nodes that handle. */
  group: async () => {
    const group = await runtime.group(Errands, 'all');
    for (let turn = 0; turn < 8; turn++) await group.run({ value: turn });
  },
  state: async () => {
    const { isAlive, isReady, controlPlane: known } = runtime.health();
    const ids = { pUid: String(runtime.pUid), ordinals: runtime.ordinals };
    const { registered: segments } = runtime.metrics().segments;
    return { isAlive, isReady, isReachable: known.isReachable, ...ids, handled: counts.handled, segments };
  },
  /** Starts the pipeline that counts, each segment in a partition of its own. */
  run: async (folder = '', count = '', ...ordinals) => {
    const [read = [], double = [], sink = []] = ordinals.map((ordinal) => [Number(ordinal)]);
    const partitions = { read, double, count: sink };
    run = await runtime.run(counting, { args: { folder, count: Number(count) }, partitions });
  },
  done: async () => {
    await run?.done;
    return { restarts: run?.restarts };
  },
  stop: async () => {
    await runtime.stop();
    return runtime.leftovers;
  },
};

answerCommands(commands, runtime.controlPlane);
