/** A process of its own: serves the control plane, and an actor that runs errands. Tells its parent where. */
import { silentLogger } from '#src/logging/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { errands } from '../../actors/transport/partitions.js';

const [listen = 'unix:'] = process.argv.slice(2);
const runtime = await Runtime.start({ listen, log: silentLogger, nodeName: 'far' });
let pushed = 0;
let ran = 0;
const definition = errands({
  push: () => void (pushed += 1),
  run: (_state, { value, load }) => {
    ran += 1;
    return { value: value + pushed, load };
  },
  rush: () => ({ value: ran }),
});
runtime.spawn(definition, { name: 'errands', register: true });
process.on('message', () => void runtime.stop().then(() => process.disconnect()));
process.send?.(runtime.controlPlane);
