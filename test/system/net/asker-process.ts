import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';

/** Asks `errands` of the process that it joins as often as it is told, and says when all are on their way; then it may be stopped. */
const [controlPlane = '', count = '0'] = process.argv.slice(2);
const runtime = await Runtime.start({ controlPlane, ucx: 'off', log: silentLogger, nodeName: `asker-${process.pid}` });
const ref = await runtime.lookup(Errands, 'errands');
await ref.rush({});
for (let asked = 0; asked < Number(count); asked++) ref.run({ value: 1 }, { timeoutMs: 60_000 }).catch(() => {});
process.send?.('asked');
