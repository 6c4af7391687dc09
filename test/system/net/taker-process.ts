/** A process of its own: joins the control plane, and has an actor that counts what it is told. Tells its parent when it is there. */
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { errands } from '../../actors/transport/partitions.js';

const [controlPlane = '', ucxMode = 'off'] = process.argv.slice(2);
const ucx = ucxMode === 'auto' ? 'auto' : 'off';
const runtime = await Runtime.start({ controlPlane, ucx, keyless: 'loopback', log: silentLogger, nodeName: 'taker' });
let taken = 0;
const definition = errands({ push: () => void (taken += 1), run: () => ({ value: taken }) });
await runtime.register('taker', runtime.spawn(definition, { name: 'taker' }));
process.send?.('ready');
