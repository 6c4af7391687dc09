/** A process of its own at the other end of a net link. What it does there is its second argument. */
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';

const [address = '', part = 'echo'] = process.argv.slice(2);
const transport = new NetTransport({ scheduler: new RealScheduler() });
const link = await transport.connect(address, { timeoutMs: 10_000 });
const payload = new Uint8Array(20_000).fill(7);
let sent = 0;

/** As much as there is credit for, each frame numbered; tells how many there were. */
function flood(): void {
  for (let buffer = link.acquire(Lane.data, payload.length); buffer !== undefined; ) {
    buffer.set(payload);
    new DataView(buffer.buffer, buffer.byteOffset).setUint32(0, sent);
    sent += 1;
    link.send(Lane.data, buffer, payload.length);
    buffer = link.acquire(Lane.data, payload.length);
  }
  transport.flush();
  process.send?.(sent);
}

function echo(lane: Lane, bytes: Uint8Array): void {
  const buffer = link.acquire(lane, bytes.length);
  if (buffer === undefined) throw new Error('no credit for an echo');
  buffer.set(bytes);
  link.send(lane, buffer, bytes.length);
  transport.flush();
}

link.setHandlers({
  frame: part === 'echo' ? echo : () => {},
  writable: flood,
  closed: () => void transport.close(),
});
if (part === 'flood') flood();
process.on('disconnect', () => process.exit());
