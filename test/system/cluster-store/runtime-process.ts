/** A process with a runtime, which finds the control plane through the store at ADDRESS. It stops its runtime when it is told to, and then ends by itself. */
import { Runtime } from '#src/index.js';

const [clusterStore = '', nodeName = ''] = process.argv.slice(2);
const runtime = await Runtime.start({
  clusterStore,
  nodeName,
  listen: 'tcp://127.0.0.1:0',
  keyless: 'loopback',
  logLevel: 'error',
});

process.once('message', () => {
  process.disconnect();
  void runtime.stop();
});
process.send?.({ isServing: runtime.health().controlPlane.isServedHere });
