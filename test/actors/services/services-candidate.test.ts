import { expect } from 'chai';
import { ServicesCandidate } from '#src/actors/services/index.js';
import { Deferred } from '#src/deferred.js';
import { memoryLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';
import type { Ending, Execution } from '#src/resources/execution/index.js';
import { pause, VirtualScheduler } from '#src/scheduler/index.js';

const place = v1.GlobalServicesPlace.create({ address: 'somewhere', epoch: 1n });

describe('the process of global services of a node, on virtual time', () => {
  let scheduler: VirtualScheduler;
  let candidate: ServicesCandidate;
  let starts: { readonly atMs: number; end(): void }[];
  /** What a start does. */
  let start: (end: () => void) => void;

  beforeEach(async () => {
    scheduler = new VirtualScheduler({ seed: 1 });
    starts = [];
    start = () => {};
    candidate = new ServicesCandidate({
      scheduler,
      log: memoryLogger(),
      start: () => {
        const ended = new Deferred<Ending>();
        const end = (): void => ended.resolve({ isClean: false, cause: 'it ended' });
        starts.push({ atMs: scheduler.now(), end });
        start(end);
        const execution: Execution = { place: 'here', threadId: undefined, ended: ended.promise, end, kill: end };
        return execution;
      },
      isFollowed: true,
      follows: () => {},
      failed: () => {},
    });
    const started = candidate.start();
    candidate.standsBy();
    await started;
  });

  afterEach(async () => {
    await candidate.kill();
    scheduler.close();
  });

  /** Times in ms between the starts that there are. */
  const gaps = (): number[] => starts.slice(1).map(({ atMs }, index) => Math.round(atMs - (starts[index]?.atMs ?? 0)));

  for (const how of ['ends', 'cannot be started'] as const) {
    it(`is started again ever later where it ${how} at once, and soon when it has served`, async () => {
      start = (end) => {
        if (how === 'cannot be started') throw new Error('no memory');
        end();
      };
      starts[0]?.end();
      await pause(scheduler, 120_000);
      expect(gaps()).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
      start = () => {};
      await pause(scheduler, 30_000);
      candidate.serves(place);
      const count = starts.length;
      const endedMs = scheduler.now();
      starts.at(-1)?.end();
      await pause(scheduler, 1_000);
      expect(starts).to.have.length(count + 1);
      expect((starts.at(-1)?.atMs ?? 0) - endedMs).to.be.closeTo(500, 1);
    });
  }
});
