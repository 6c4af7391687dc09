// What one link of the ucx transport does between two processes, without anything above it:
//   npm run build && node build/bench/ucx/links.js
// Rates are one way, messages packed into frames as the layer above packs them, or one in each frame. Every number is the best of
// several rounds: other programs on the machine make it slower, nothing makes it faster.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport, type UcxTransportOptions } from '#src/transport/ucx/index.js';
import { Near, send } from './near.js';

const ROUNDS = 5;
const tcp: Partial<UcxTransportOptions> = {
  fabric: 'tcp',
  interfaces: ['lo'],
  listen: 'tcp://127.0.0.1:0',
  keyless: 'loopback',
};
const fabrics: readonly (readonly [string, Partial<UcxTransportOptions>])[] = [
  ['shared memory', {}],
  ['tcp, loopback', tcp],
];
/** Bytes of a message, and messages of a round. */
const sizes = [
  [64, 2_000_000],
  [1_024, 300_000],
  [8_192, 60_000],
  [65_536, 8_000],
  [1_048_576, 300],
] as const;

if (process.argv[2] === 'far') await answer(process.argv[3] === 'tcp' ? tcp : {});
else for (const [name, options] of fabrics) await measure(name, options);

/** Counts what comes on the data lane and says when it is all there; sends back what comes on the control lane. */
async function answer(options: Partial<UcxTransportOptions>): Promise<void> {
  const transport = new UcxTransport({ scheduler: new RealScheduler(), ...options });
  const address = await transport.listen((link) => {
    let left = 0;
    link.setHandlers({
      frame: (lane, bytes) => {
        if (lane === Lane.data) {
          left -= bytes.length;
          if (left <= 0) send(transport, link, Lane.control, 1);
        } else if (bytes.length === 4) {
          left += new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
        } else {
          send(transport, link, Lane.control, bytes.length);
        }
      },
      writable: () => {},
      closed: () => process.exit(0),
    });
  });
  process.send?.(address);
}

async function measure(name: string, options: Partial<UcxTransportOptions>): Promise<void> {
  const far = fork(fileURLToPath(import.meta.url), ['far', options.fabric ?? '']);
  const address = await new Promise((resolve) => far.once('message', resolve));
  const transport = new UcxTransport({ scheduler: new RealScheduler(), ...options });
  const link = await transport.connect(String(address), { timeoutMs: 10_000 });
  const near = new Near(transport, link);
  for (const [size, count] of sizes) {
    const packed = size * 2 <= limits.frameBytes ? await best(() => near.rate(size, count, true)) : undefined;
    const lone = await best(() => near.rate(size, Math.ceil(count / (size < 1_000 ? 4 : 1)), false));
    const text = (rate: number): string => `${(rate / 1e6).toFixed(3)} M/s ${((rate * size) / 1e9).toFixed(2)} GB/s`;
    console.log(
      `${name}, ${size} B: ${packed === undefined ? '' : `packed ${text(packed)}, `}one a frame ${text(lone)}`,
    );
  }
  for (const idleMs of [0, 5]) {
    const us = await near.roundTrips(idleMs === 0 ? 20_000 : 300, idleMs);
    console.log(
      `${name}, round trip of 64 B ${idleMs === 0 ? 'busy' : 'asleep'}: median ${us.median.toFixed(1)} us, fastest ${us.fastest.toFixed(1)} us`,
    );
  }
  await transport.close();
  await once(far, 'exit');
}

async function best(round: () => Promise<number>): Promise<number> {
  let most = 0;
  for (let count = 0; count < ROUNDS; count += 1) most = Math.max(most, await round());
  return most;
}
