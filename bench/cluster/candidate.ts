// A process of a cluster with a store, for killed-leader.ts: says whether it serves the control plane, and looks its own name up.
import { behavior, Runtime } from 'millrace';
import { Bench } from '../gen/bench.js';

const [clusterStore = '', nodeName = ''] = process.argv.slice(2);
const runtime = await Runtime.start({
  clusterStore,
  nodeName,
  listen: 'tcp://127.0.0.1:0',
  keyless: 'loopback',
  logLevel: 'silent',
});
const echo = behavior(Bench, { note: () => undefined, pass: () => undefined, echo: (_, { value }) => ({ value }) });
await runtime.register(nodeName, runtime.spawn(echo));
process.on('disconnect', () => process.exit());
process.on('message', (what: 'leads' | 'lookup') => {
  if (what === 'leads') process.send?.(runtime.health().controlPlane.isServedHere);
  else void runtime.lookup(Bench, nodeName, { timeoutMs: 60_000 }).then(() => process.send?.(true));
});
process.send?.(true);
