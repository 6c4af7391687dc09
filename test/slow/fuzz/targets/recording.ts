import { Executor } from '#src/actors/runtime/index.js';
import { readRecording, recordedActors, Recorder, replay } from '#src/recording/index.js';
import { Errands } from '../../../actors/transport/errands.js';
import { shop } from '../../../recording/shop.js';
import type { Target } from '../target.js';

/** A recording that somebody sends for replay: read, and replayed with the behavior that it is said to be of. */
export const recording: Target = {
  seeds: async () => [await recordedRun()],
  words: ['shop', 'test.Errands.Push', 'test.Errands.Run'],
  feed: async (bytes) => {
    for (const { events, segment } of recordedActors(readRecording(bytes))) {
      // A difference is what a replay is for.
      if (segment === undefined) await replay(shop(), events.slice(0, MOST_EVENTS), { outsideMs: 1 });
    }
  },
};

const MOST_EVENTS = 100;

async function recordedRun(): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const recorder = new Recorder({ actors: ['shop'], write: (bytes) => void pieces.push(bytes), header: { seed: '7' } });
  await using executor = new Executor({ seed: 7, latencyMs: 1, interceptor: recorder });
  const runtime = await executor.start();
  const args = { prices: new Map([['tea', 4n]]), open: true, days: ['mon'] };
  runtime.spawn<typeof Errands, unknown, unknown>(shop(), { name: 'shop', register: true, args });
  const ref = await runtime.lookup(Errands, 'shop');
  ref.push({ value: 3 });
  await ref.run({ value: 2 }, { meta: { tenant: 'a' } });
  await ref.rush({ value: 2 });
  return Buffer.concat(pieces);
}
