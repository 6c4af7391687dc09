import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Link } from '#src/transport/index.js';
import { UcxTransport, type UcxTransportOptions } from '#src/transport/ucx/index.js';

/**
 * A process of its own at the other end of a link. `flood ADDRESS` sends as much as it may, of all sizes; `echo` sends everything back and
 * tells its address to the parent, as `listen JSON` does with options of its own.
 */
const [role = '', what = ''] = process.argv.slice(2);
const sizes = [0, 10, 1_000, 9_000, 60_000, 70_000, 400_000];

if (role === 'flood') await flood(what);
else if (role === 'echo') await echo({});
else if (role === 'listen') await echo(JSON.parse(what) as Partial<UcxTransportOptions>);
else await ping(what, JSON.parse(process.argv[4] ?? '{}') as Partial<UcxTransportOptions>);

async function flood(address: string): Promise<void> {
  const transport = new UcxTransport({ scheduler: new RealScheduler() });
  const link = await transport.connect(address, { timeoutMs: 20_000 });
  let next = 0;
  const write = (): void => {
    for (;;) {
      const size = sizes[next % sizes.length] ?? 0;
      const buffer = link.acquire(Lane.data, size);
      if (buffer === undefined) break;
      link.send(Lane.data, buffer, size);
      next += 1;
    }
    transport.flush();
  };
  link.setHandlers({ frame: () => {}, writable: write, closed: () => process.exit(0) });
  write();
}

async function echo(options: Partial<UcxTransportOptions>): Promise<void> {
  const transport = new UcxTransport({ scheduler: new RealScheduler(), ...options });
  const address = await transport.listen((link) => link.setHandlers(echoing(transport, link)));
  if (process.send === undefined) process.stdout.write(`${address}\n`);
  else process.send(address);
}

function echoing(transport: UcxTransport, link: Link): Parameters<Link['setHandlers']>[0] {
  const waiting: Uint8Array[] = [];
  const write = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const buffer = link.acquire(Lane.data, next.length);
      if (buffer === undefined) break;
      buffer.set(next);
      link.send(Lane.data, buffer, next.length);
      waiting.shift();
    }
    transport.flush();
  };
  return {
    frame: (_, bytes) => {
      waiting.push(bytes.slice());
      write();
    },
    writable: write,
    closed: () => {},
  };
}

/** Sends one frame, and tells what came back and over what. */
async function ping(address: string, options: Partial<UcxTransportOptions>): Promise<void> {
  const transport = new UcxTransport({ scheduler: new RealScheduler(), ...options });
  const link = await transport.connect(address, { timeoutMs: 20_000 });
  const answer = new Promise<number>((resolve) => {
    link.setHandlers({ frame: (_, bytes) => resolve(bytes.length), writable: () => {}, closed: () => resolve(-1) });
  });
  const buffer = link.acquire(Lane.data, 5_000);
  if (buffer !== undefined) link.send(Lane.data, buffer, 5_000);
  transport.flush();
  const length = await answer;
  process.stdout.write(`${length} ${link.carrier.medium}\n`);
  await transport.close();
}
