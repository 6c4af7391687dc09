import { expect } from 'chai';
import type { Runtime } from '#src/actors/runtime/index.js';
import { AskTimeoutError } from '#src/errors.js';
import { rejection } from '../../../support/rejection.js';
import { errandRunner } from '../errand-runner.js';
import { closeAfterEach, Cluster, until } from '../harness.js';
import { ending } from './ending.js';
import { adder } from './components.js';

/** Longer than a request to withdraw an actor was once repeated, and shorter than a silent link lives. */
const CUTS_MS = [11_000, 14_000];

describe('a link that is silent for a while, and goes on', () => {
  closeAfterEach();

  /** Two processes with a link between them, and a function that cuts it and returns how it heals. */
  async function opened() {
    const cluster = new Cluster({ latencyMs: 5 });
    const home = await cluster.start();
    const far = await cluster.start();
    await home.stopActor(await home.place(adder, { on: { node: 'node-1' } }));
    await until(() => far.metrics().actors > 0);
    const cut = () => cluster.executor.network.partition(['node-0/process-0'], ['node-1/process-1']);
    return { cluster, home, far, cut };
  }

  /** The name that the actor would have is free at `far`, once what was sent has arrived. */
  async function expectFree(cluster: Cluster, far: Runtime, name: string): Promise<void> {
    await cluster.pass(6_000);
    await far.stopActor(far.spawn(errandRunner(), { name }));
  }

  for (const cutMs of CUTS_MS) {
    for (const detached of [false, true]) {
      // The request is lost, it arrives and its answer is lost, or the cut comes between.
      for (const afterMs of [0, 3, 6, 9]) {
        const kind = detached ? 'a detached actor' : 'an actor';
        it(`leaves nothing of ${kind} that was placed ${afterMs} ms before a cut of ${cutMs} ms`, async () => {
          const { cluster, home, far, cut } = await opened();
          const placing = rejection(
            home.place(adder, { on: { node: 'node-1' }, name: 'late', detached, timeoutMs: 500 }),
          );
          await cluster.pass(afterMs);
          const heal = cut();
          const error = await placing;
          expect(error).to.be.instanceOf(AskTimeoutError);
          expect(String(error)).to.contain('stops the actor as soon as it answers').and.not.contain('does not run');
          await cluster.pass(cutMs - 500 - afterMs);
          heal();
          await expectFree(cluster, far, 'late');
        });
      }

      it(`lets an actor (detached: ${detached}) be stopped that could not be stopped during a cut of ${cutMs} ms`, async () => {
        const { cluster, home, far, cut } = await opened();
        const ref = await home.place(adder, { on: { node: 'node-1' }, name: 'kept', detached });
        const heal = cut();
        const stops = [ref, ref].map((each) => rejection(home.stopActor(each)));
        for (const error of await Promise.all(stops)) expect(error).to.be.instanceOf(AskTimeoutError);
        await cluster.pass(cutMs - 10_000);
        const again = home.stopActor(ref);
        heal();
        await again;
        await far.stopActor(far.spawn(errandRunner(), { name: 'kept' }));
        await home.stopActor(ref);
      });
    }

    it(`stops the actor of a parent that has ended during a cut of ${cutMs} ms, without another call`, async () => {
      const { cluster, home, far, cut } = await opened();
      const parent = home.spawn(errandRunner());
      const ref = await home.place(adder, { on: { node: 'node-1' }, name: 'child', parent });
      const end = ending(home, ref);
      const heal = cut();
      await home.stopActor(parent);
      await cluster.pass(cutMs);
      heal();
      expect((await end).reason).to.equal('stopped');
      await expectFree(cluster, far, 'child');
    });
  }

  it('does not hold up the stop of the process that withdraws an actor', async () => {
    const { cluster, home, cut } = await opened();
    cut();
    await rejection(home.place(adder, { on: { node: 'node-1' }, timeoutMs: 500 }));
    const fromMs = cluster.executor.scheduler.now();
    await home.stop();
    expect(cluster.executor.scheduler.now() - fromMs).to.be.below(12_000);
  });
});
