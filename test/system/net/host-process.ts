/** One end of a link between two hosts, an echo at both: listens at the address, or connects to it. Tells what becomes of the link. */
import { writingLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Link } from '#src/transport/index.js';
import { NetTransport } from '#src/transport/net/index.js';

const [part = '', address = ''] = process.argv.slice(2);
const transport = new NetTransport({
  scheduler: new RealScheduler(),
  log: writingLogger('info', (_level, message) => void process.send?.(message)),
  key: 'a key of more than 16 bytes',
  listen: address,
  linkDeadMs: 500,
});

function send(link: Link): void {
  const buffer = link.acquire(Lane.data, 4);
  if (buffer === undefined) return;
  link.send(Lane.data, buffer, 4);
  transport.flush();
}

function use(link: Link): void {
  let frames = 0;
  link.setHandlers({
    frame: () => {
      frames += 1;
      if (frames === 10) process.send?.('busy');
      send(link);
    },
    writable: () => {},
    closed: (reason) => process.send?.(reason),
  });
  send(link);
}

if (part === 'listen') process.send?.(await transport.listen(use));
else use(await transport.connect(address, { timeoutMs: 30_000 }));
process.on('disconnect', () => process.exit());
