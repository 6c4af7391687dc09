/** A process of its own: serves the control plane, and an actor that weighs what it is sent. Tells its parent where, and of its links. */
import { silentLogger } from '#src/logging/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { errands } from '../../actors/transport/partitions.js';
import { countPosts } from './counted-posts.js';

const posts = countPosts();
const runtime = await Runtime.start({ listen: 'unix:', log: silentLogger, nodeName: 'far' });
let bytes = 0;
const definition = errands({
  push: (_state, { load }) => void (bytes += load.length),
  run: (_state, { value, load }) => ({ value: value + bytes, load }),
});
runtime.spawn(definition, { name: 'errands', register: true });
process.on('message', () => process.send?.({ links: runtime.health().links, posts: posts.count() }));
process.on('disconnect', () => process.exit());
process.send?.(runtime.controlPlane);
