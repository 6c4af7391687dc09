/** A process of the cluster under load: a candidate, with an actor that has a name, that is in a group, and that has its part in the rest. */
import { Runtime } from '#src/actors/runtime/index.js';
import { createLogger, silentLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/runtime/errand-runner.js';
import { answerCommands } from '../commanded-process.js';
import { bank, desk, probe } from './components.js';
import letters from './letters.js';
import { HOSTS, NODES, PLACER, RUNNERS } from './nodes.js';
import parcels from './parcels.js';
import { persist, Traffic } from './traffic.js';

const [nodeName = '', clusterStore = ''] = process.argv.slice(2);
const log = process.env['MEMBER_LOG'] === undefined ? silentLogger : createLogger({ level: 'debug', format: 'text' });
const runtime = await Runtime.start({
  nodeName,
  clusterStore,
  listen: 'tcp://127.0.0.1:0',
  labels: HOSTS.includes(nodeName) ? ['host'] : [],
  log,
});
const traffic = new Traffic(runtime);
const own = runtime.spawn(desk());
await persist(() => runtime.register(`desk-${nodeName}`, own, { standby: true }));
await persist(() => runtime.register('desks', own, { group: true }));

async function join(): Promise<void> {
  if (nodeName === PLACER) {
    await persist(() => runtime.place(bank, { on: { label: 'host' }, instances: 2, register: 'bank', standby: true }));
  }
  await Promise.all(NODES.map((node) => traffic.follow(`desk-${node}`)));
  await traffic.follow('bank');
  await traffic.followGroup('desks');
  traffic.start();
  if (nodeName === RUNNERS.parcels) traffic.startRuns(parcels);
  if (nodeName === RUNNERS.letters) traffic.startRuns(letters);
}

answerCommands(
  {
    join,
    /** The control plane finds a name, and an actor can be placed. */
    probe: () =>
      persist(async () => {
        const ref = await runtime.lookup(Errands, `desk-${nodeName}`);
        await ref.rush({});
        await runtime.stopActor(await runtime.place(probe, { on: { node: nodeName } }));
      }),
    finds: (name = '') =>
      runtime.lookup(Errands, name, { timeoutMs: 1_000 }).then(
        () => true,
        () => false,
      ),
    /** Number of the process that hosts the holder of the name. */
    holder: () =>
      persist(async () => {
        const ref = await runtime.lookup(Errands, 'bank');
        return (await ref.rush({})).value;
      }),
    state: async () => {
      const { isReady, problems, controlPlane } = runtime.health();
      return { isReady, problems, isServing: controlPlane.isServedHere, controlPlane: runtime.controlPlane };
    },
    /** Computes for so long, in ms. */
    compute: async (ms = '') => {
      const untilMs = performance.now() + Number(ms);
      while (performance.now() < untilMs);
    },
    finish: () => traffic.finish(),
    stop: async () => {
      await runtime.stop();
      return runtime.leftovers;
    },
  },
  undefined,
);
