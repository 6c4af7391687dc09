/** A process of its own at the other end of a link over ZeroMQ: it sends numbered frames for as long as it has credit. */
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { ZeroMqTransport } from '#src/transport/zmq/index.js';

const [address = ''] = process.argv.slice(2);
const transport = new ZeroMqTransport({ scheduler: new RealScheduler() });
const link = await transport.connect(address, { timeoutMs: 10_000 });
const FRAME_BYTES = 20_000;
let sent = 0;

function flood(): void {
  let buffer = link.acquire(Lane.data, FRAME_BYTES);
  while (buffer !== undefined) {
    new DataView(buffer.buffer, buffer.byteOffset).setUint32(0, sent);
    sent += 1;
    link.send(Lane.data, buffer, FRAME_BYTES);
    buffer = link.acquire(Lane.data, FRAME_BYTES);
  }
  transport.flush();
}

link.setHandlers({ frame: () => {}, writable: flood, closed: () => void transport.close() });
flood();
process.on('disconnect', () => process.exit());
