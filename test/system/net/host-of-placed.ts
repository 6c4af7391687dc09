/** A process of its own that others place actors in. It joins the control plane at the address, or serves one. Tells its address, and its actors when asked. */
import { silentLogger } from '#src/logging/index.js';
import { Runtime } from '#src/actors/runtime/index.js';

const [nodeName = '', label = '', controlPlane] = process.argv.slice(2);
const join = controlPlane === undefined ? {} : { controlPlane };
const runtime = await Runtime.start({ listen: 'unix:', log: silentLogger, nodeName, labels: [label], ...join });
process.on('message', () => process.send?.(runtime.metrics().actors));
process.on('disconnect', () => process.exit());
process.send?.(runtime.controlPlane);
