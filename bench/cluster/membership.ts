import type { Executor, Runtime } from 'millrace';
import type { Measure, Question } from '../harness/question.js';
import { onShutdown } from '../harness/shutdown.js';

/** A process joins a cluster of so many on virtual time, is looked up by its name, and leaves. Frames take 1 ms from one to another. */
export const membership: Question = {
  slug: 'membership',
  metric: 'virtual time to join and be found',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['10 processes', '100 processes', '1000 processes'],
  isWide: true,
  runs: 2,
  also: [
    { metric: 'virtual time to leave', unit: 'ms', isMoreBetter: false },
    { metric: 'frames of all processes for a join', unit: 'frames', isMoreBetter: false },
    { metric: 'frames of all processes for a leave', unit: 'frames', isMoreBetter: false },
  ],
  peer: 'millrace',
  subjects: {
    millrace: async ({ members }, size): Promise<Measure> => {
      const cluster = await startCluster(Math.min(members, Number.parseInt(size, 10)));
      return () => joinAndLeave(cluster);
    },
  },
};

/** A control plane that is lost, and started again at its address, or by another candidate with a cluster store: until a member finds a name again. */
export const failover: Question = {
  slug: 'failover',
  metric: 'virtual time from the crash to the first lookup that is answered',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['10 members', '100 members'],
  isWide: true,
  runs: 2,
  peer: 'millrace, started again at its address',
  subjects: {
    'millrace, started again at its address': ({ members }, size) =>
      Promise.resolve(() => afterCrash(Math.min(members, Number.parseInt(size, 10)) + 1, false)),
    'millrace, another candidate': ({ members }, size) =>
      Promise.resolve(() => afterCrash(Math.min(members, Number.parseInt(size, 10)) + 1, true)),
  },
};

interface Cluster {
  readonly executor: Executor;
  readonly control: Runtime;
  readonly members: readonly Runtime[];
}

async function startCluster(size: number, hasStore = false): Promise<Cluster> {
  const { Executor, MemoryStore, MemoryStoreContent } = await import('millrace');
  const executor = new Executor({ seed: 1, latencyMs: 1 });
  const content = new MemoryStoreContent();
  onShutdown(() => executor.stop());
  const store = () => ({ clusterStore: new MemoryStore(content, executor.scheduler) });
  const control = await executor.start({ node: 'control', ...(hasStore && store()) });
  const members: Runtime[] = [];
  for (let index = 1; index < size; index++) {
    const where = hasStore ? store() : { controlPlane: control.controlPlane };
    members.push(await executor.start({ node: `node-${index}`, ...where }));
  }
  return { executor, control, members };
}

async function echoActor() {
  const { behavior } = await import('millrace');
  const { Bench } = await import('../gen/bench.js');
  const echo = behavior(Bench, { note: () => undefined, pass: () => undefined, echo: (_, { value }) => ({ value }) });
  return { Bench, echo };
}

let joined = 0;

async function joinAndLeave({ executor, control, members }: Cluster): Promise<readonly number[]> {
  const { Bench, echo } = await echoActor();
  const { scheduler } = executor;
  const all = [control, ...members];
  const name = `echo-${++joined}`;
  const [framesBefore, beganMs] = [framesOf(all), scheduler.now()];
  const runtime = await executor.start({ node: `joined-${joined}`, controlPlane: control.controlPlane });
  await runtime.register(name, runtime.spawn(echo));
  await (members[0] ?? control).lookup(Bench, name);
  const [framesJoined, joinedMs] = [framesOf([...all, runtime]), scheduler.now()];
  const framesOfJoined = framesOf([runtime]);
  await runtime.stop();
  const leftMs = scheduler.now();
  // What the others are told is on its way.
  await new Promise<void>((resolve) => void scheduler.setTimer(10, resolve));
  const framesLeft = framesOf(all) + framesOfJoined;
  return [joinedMs - beganMs, leftMs - joinedMs, framesJoined - framesBefore, framesLeft - framesJoined];
}

async function afterCrash(size: number, hasStore: boolean): Promise<number> {
  const cluster = await startCluster(size, hasStore);
  const tookMs = await failOver(cluster, hasStore);
  await cluster.executor.stop();
  return tookMs;
}

async function failOver({ executor, members }: Cluster, hasStore: boolean): Promise<number> {
  const { Bench, echo } = await echoActor();
  const [owner, seeker] = [members[0], members.at(-1)];
  if (owner === undefined || seeker === undefined) throw new Error('the cluster has no members');
  await owner.register('echo', owner.spawn(echo));
  const { scheduler } = executor;
  const crashedMs = scheduler.now();
  executor.crash('control');
  if (!hasStore) {
    executor.restart('control');
    await executor.start({ node: 'control' });
  }
  await seeker.lookup(Bench, 'echo', { timeoutMs: 60_000 });
  return scheduler.now() - crashedMs;
}

function framesOf(runtimes: readonly Runtime[]): number {
  return runtimes.reduce((total, runtime) => total + runtime.metrics().links.framesSent, 0);
}
