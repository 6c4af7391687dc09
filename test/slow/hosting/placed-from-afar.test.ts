import { expect } from 'chai';
import { AskTimeoutError, StoppedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { Errands } from '../../actors/runtime/errand-runner.js';
import { describeHosted } from '../../actors/runtime/harness.js';
import { adder, blocking, sleepy, unfinished } from '../../actors/runtime/placing/components.js';

describeHosted(
  { title: 'a hosted partition that an actor of another process blocks', everywhere: true },
  (newCluster) => {
    for (const how of ['stops it', 'gives it up before it was started', 'crashes'] as const) {
      it(`is ended, and begins anew, when the placer ${how}`, async () => {
        const cluster = newCluster();
        const worker = await cluster.start({ kernelLimits: { stopTimeoutMs: 300 }, name: 'worker' });
        const placer = await cluster.start({ placement: 'inline', name: 'placer' });
        const [, before = 0] = worker.ordinals;
        const on = { partition: before };
        if (how === 'gives it up before it was started') {
          // Over an open link, so that the request arrives in time.
          await placer.stopActor(await placer.place(adder, { on }));
          expect(await rejection(placer.place(unfinished, { on, timeoutMs: 2_000 }))).to.be.instanceOf(AskTimeoutError);
        } else {
          const ref = await placer.place(blocking, { on, register: 'taken' });
          ref.push({});
          expect(await rejection(ref.run({}, { timeoutMs: 200 }))).to.be.instanceOf(AskTimeoutError);
          if (how === 'crashes') cluster.executor.crash('node-1/placer');
          else await placer.stopActor(ref);
        }
        await eventually(() => worker.ordinals.length === 2 && worker.ordinals[1] !== before);
        const again = await worker.place(adder, { on: { partition: worker.ordinals[1] ?? 0 }, register: 'taken' });
        expect((await again.run({ value: 1 })).value).to.equal(1);
      });
    }

    it('goes on where that placer ends while the actor, which is detached, is busy for long', async () => {
      const cluster = newCluster();
      const worker = await cluster.start({ kernelLimits: { stopTimeoutMs: 100 }, name: 'worker' });
      const placer = await cluster.start({ placement: 'inline', name: 'placer' });
      const on = { partition: worker.ordinals[1] ?? 0 };
      await placer.stopActor(await placer.place(adder, { on }));
      const busy = await placer.place(sleepy, { on, detached: true, register: 'busy' });
      busy.push({ value: 5_000 });
      expect(await rejection(busy.run({}, { timeoutMs: 200 }))).to.be.instanceOf(AskTimeoutError);
      cluster.executor.crash('node-1/placer');
      const found = await worker.lookup(Errands, 'busy');
      expect((await found.run({ value: 7 })).value).to.equal(7);
    });

    it('goes on where it answers before it would be ended, and the actor is stopped', async () => {
      const cluster = newCluster();
      const worker = await cluster.start({ kernelLimits: { stopTimeoutMs: 3_000 }, name: 'worker' });
      const placer = await cluster.start({ placement: 'inline', name: 'placer' });
      const [, ordinal = 0] = worker.ordinals;
      const ref = await placer.place(sleepy, { on: { partition: ordinal } });
      ref.push({ value: 2_500 });
      expect(await rejection(ref.run({}, { timeoutMs: 200 }))).to.be.instanceOf(AskTimeoutError);
      await placer.stopActor(ref);
      expect(worker.ordinals[1]).to.equal(ordinal);
      expect(await rejection(ref.run({}))).to.be.instanceOf(StoppedError);
      // Busy for longer than an actor has to stop: what has stopped before must not end its partition.
      const other = await placer.place(sleepy, { on: { partition: ordinal } });
      other.push({ value: 5_500 });
      expect((await other.run({ value: 7 }, { timeoutMs: 15_000 })).value).to.equal(7);
      expect(worker.ordinals[1]).to.equal(ordinal);
    });
  },
);
