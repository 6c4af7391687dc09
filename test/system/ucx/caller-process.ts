/** A process of its own that opens a link to the address it is given, echoes one frame over it, and prints what carried it. */
import { ExternalTransports } from '#src/actors/runtime/external-transports.js';
import { silentLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';

const [address = ''] = process.argv.slice(2);
const external = await ExternalTransports.open({ net: {}, scheduler: new RealScheduler(), log: silentLogger });
const transport = external.transport(0);
const link = await transport.connect(address, { timeoutMs: 30_000 });
const echoed = new Promise<void>((resolve) => {
  link.setHandlers({ frame: () => resolve(), writable: () => {}, closed: () => process.exit(1) });
});
const buffer = link.acquire(Lane.data, 3_000);
if (buffer !== undefined) link.send(Lane.data, buffer, 3_000);
transport.flush();
await echoed;
process.stdout.write(Object.values(link.carrier).join(' '));
process.exit();
