import { expect } from 'chai';
import { Dials } from '#src/actors/transport/dials.js';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { World } from '../../transport/memory/world.js';
import { rejection } from '../../support/rejection.js';

/** Two processes between which the first dial is lost on its way. */
async function lossy() {
  const world = new World();
  const [near, far, cutOff] = [world.start('near/1'), world.start('far/1'), world.start('cut-off/1')];
  const address = await far.listen(() => {});
  const nowhere = await cutOff.listen(() => {});
  world.network.partition(['near'], ['cut-off']);
  let count = 0;
  const connect: typeof near.connect = (_to, options) => near.connect(++count === 1 ? nowhere : address, options);
  const dials = new Dials<object>({ connect }, world.scheduler);
  return { world, address, dials, count: () => count };
}

describe('a dial', () => {
  it('that takes long is made anew when its peer shows that it can be reached', async () => {
    const { world, address, dials } = await lossy();
    const channel = {};
    const dialing = dials.connect(channel, address);
    await world.reach(2_000);
    dials.reached({});
    dials.reached(channel);
    expect((await dialing).peerAddress).to.equal(address);
    expect(world.scheduler.now()).to.be.lessThan(2_100);
    dials.reached(channel);
    await world.end();
  });

  it('that has only begun goes on, and fails at its deadline', async () => {
    const { world, address, dials, count } = await lossy();
    const channel = {};
    const failing = rejection(dials.connect(channel, address));
    await world.reach(500);
    dials.reached(channel);
    expect(await failing).to.be.instanceOf(UnreachableError);
    expect(world.scheduler.now()).to.be.within(limits.connectTimeoutMs, limits.connectTimeoutMs + 100);
    expect(count()).to.equal(1);
    await world.end();
  });
});
