import { expect } from 'chai';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Worker } from './shop.js';

describe('the dispatcher', () => {
  afterEach(closeSystems);

  it('gives the next actor its turn after `throughputMessages`', async () => {
    const { system } = testSystem({ throughputMessages: 4 });
    const order: string[] = [];
    const spawn = (name: string) => system.spawn(worker({ push: () => void order.push(name) }));
    const [a, b] = [spawn('a'), spawn('b')];
    for (let count = 0; count < 10; count++) a.push({});
    b.push({});
    await until(() => order.length === 11);
    expect(order.join('')).to.equal('aaaabaaaaaa');
  });

  it('lets the event loop have its turn after `turnMessages`, in one long turn', async () => {
    const { system } = testSystem({ throughputMessages: 8, turnMessages: 32 }, { isReal: true });
    let handled = 0;
    let isLooping = true;
    const ref = system.spawn(
      worker({
        push: (_state, message, ctx) => {
          handled++;
          if (isLooping) system.reference(Worker, ctx.self.toRef()).push(message);
        },
      }),
    );
    ref.push({});
    await new Promise((resolve) => setImmediate(resolve));
    const atFirst = handled;
    await until(() => handled >= 3 * 32);
    isLooping = false;
    expect(atFirst).to.be.within(1, 64);
  });

  it('lets the event loop have its turn after `turnMessages`, in many short turns', async () => {
    const { system } = testSystem({ turnMessages: 32 }, { isReal: true });
    const ref = system.spawn(worker());
    let answered = 0;
    let isLooping = true;
    const loop = (async () => {
      for (; isLooping; answered++) await ref.work({});
    })();
    await new Promise((resolve) => setImmediate(resolve));
    const atFirst = answered;
    isLooping = false;
    await loop;
    expect(atFirst).to.be.within(1, 64);
  });

  it('lets the event loop have its turn while tells take long, far from `turnMessages`', async () => {
    const { system, scheduler } = testSystem({}, { isReal: true });
    let handled = 0;
    const busy = (): void => {
      const endMs = scheduler.now() + 0.1;
      while (scheduler.now() < endMs);
      handled++;
    };
    const ref = system.spawn(worker({ push: busy }));
    const tells = 2_000;
    for (let count = 0; count < tells; count++) ref.push({});
    let turns = 0;
    while (handled < tells) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(turns).to.be.at.least(tells / 64 / 2);
  });
});
