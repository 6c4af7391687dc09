import { expect } from 'chai';
import fc from 'fast-check';
import {
  concurrencyTarget,
  oldestWait,
  type PoolObservation,
  type ScalingStrategy,
  utilisation,
} from '#src/actors/governor/index.js';
import { shared } from '#src/actors/governor/capacity.js';
import { scalerOf } from '#src/actors/governor/strategy.js';
import { type LoadRun, runLoad, shopLoad } from './recorded-load.js';

const STRATEGIES: readonly ScalingStrategy[] = [oldestWait(), concurrencyTarget(), utilisation()];

const observation = fc
  .record({
    containers: fc.nat(20),
    running: fc.nat(20),
    busy: fc.nat(20),
    waiting: fc.nat(200),
    oldestWaitMs: fc.nat(5_000),
    arrived: fc.nat(10_000),
    startMs: fc.nat(2_000),
    serviceMs: fc.nat(500),
    utilization: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    stepMs: fc.integer({ min: 1, max: 5_000 }),
  })
  .map(({ containers, running, busy, ...rest }) => {
    const ready = Math.min(running, containers);
    return { ...rest, containers, starting: containers - ready, busy: Math.min(busy, ready) };
  });
const kind = fc.constantFrom('tick' as const, 'overdue' as const, 'changed' as const);

function calm(nowMs: number, containers: number): PoolObservation {
  return {
    nowMs,
    containers,
    starting: 0,
    busy: 0,
    waiting: 0,
    oldestWaitMs: 0,
    arrived: 0,
    startMs: 50,
    serviceMs: 5,
    utilization: 0,
  };
}

for (const strategy of STRATEGIES) {
  describe(`the strategy ${strategy.name}`, () => {
    it('says a whole number from 0 and why, and the same for the same events', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(kind, observation), { maxLength: 30 }), (events) => {
          const [one, other] = [scalerOf(strategy), scalerOf(strategy)];
          let nowMs = 0;
          for (const [kind, { stepMs, ...pool }] of events) {
            nowMs += stepMs;
            const event = { kind, pool: { ...pool, nowMs } };
            const decision = one(event);
            expect(decision.containers).to.satisfy((count: number) => Number.isSafeInteger(count) && count >= 0);
            expect(decision.because).to.not.equal('');
            expect(other(event)).to.deep.equal(decision);
          }
        }),
      );
    });

    it('starts the first container for a request that waits, and stops all but none when nothing comes', () => {
      const scaler = scalerOf(strategy);
      const first = scaler({ kind: 'overdue', pool: { ...calm(0, 0), waiting: 1, oldestWaitMs: 60, arrived: 1 } });
      expect(first.containers).to.equal(1);
      let containers = 4;
      for (let nowMs = 1_000; nowMs < 400_000; nowMs += 1_000) {
        const decision = scaler({ kind: 'tick', pool: { ...calm(nowMs, containers), arrived: 1 } });
        expect(decision.containers).to.be.at.most(containers);
        containers = decision.containers;
      }
      expect(containers).to.equal(0);
    });

    it('follows a recorded load that rises, bursts and falls, and serves all of it', () => {
      const run: LoadRun = runLoad(strategy, shopLoad(7), { startMs: 300, max: 40 });
      expect(run.served).to.equal(run.offered);
      expect(run.most).to.be.greaterThan(5);
      expect(run.last).to.be.lessThan(run.most);
    });
  });
}

describe('the strategy oldest-wait', () => {
  it('has the shortest wait of all on the recorded load', () => {
    const [first, ...others] = STRATEGIES.map((strategy) => runLoad(strategy, shopLoad(7), { startMs: 300, max: 40 }));
    for (const other of others) expect(first?.p99Ms).to.be.at.most(other.p99Ms);
  });

  it('starts one container for one request, however long that takes to start', () => {
    const scaler = scalerOf(oldestWait());
    let containers = 0;
    for (let nowMs = 0; nowMs < 5_000; nowMs += 50) {
      const pool = { ...calm(nowMs, containers), starting: containers, waiting: 1, oldestWaitMs: nowMs, arrived: 1 };
      containers = scaler({
        kind: nowMs === 50 ? 'overdue' : 'tick',
        pool: { ...pool, startMs: 0, serviceMs: 0 },
      }).containers;
    }
    expect(containers).to.equal(1);
  });

  it('does not grow for what is served before another container could start', () => {
    const scaler = scalerOf(oldestWait());
    const pool = { ...calm(0, 4), busy: 4, waiting: 10, oldestWaitMs: 60, startMs: 1_000, serviceMs: 5 };
    expect(scaler({ kind: 'tick', pool }).containers).to.equal(4);
    expect(scaler({ kind: 'tick', pool: { ...pool, serviceMs: 2_000 } }).containers).to.be.greaterThan(4);
  });

  it('takes a few requests that come together in a quiet pool for no load that lasts', () => {
    const scaler = scalerOf(oldestWait());
    const quiet = { startMs: 100, serviceMs: 300 };
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 100) scaler({ kind: 'tick', pool: { ...calm(nowMs, 1), ...quiet } });
    const four = { ...quiet, busy: 1, waiting: 3, arrived: 4 };
    for (const [kind, nowMs] of [
      ['overdue', 10_060],
      ['tick', 10_100],
      ['tick', 10_200],
    ] as const) {
      const pool = { ...calm(nowMs, 1), ...four, oldestWaitMs: nowMs - 10_000 };
      expect(scaler({ kind, pool }).containers, `at ${nowMs} ms`).to.be.within(2, 5);
    }
  });
});

describe('the share of each pool in a limit', () => {
  const demand = fc
    .record({
      component: fc.constantFrom('a', 'b', 'c', 'd'),
      wanted: fc.nat(10),
      containers: fc.nat(10),
      idle: fc.nat(10),
      waiting: fc.nat(2),
    })
    .map((each) => ({ ...each, idle: Math.min(each.idle, each.containers) }));

  it('keeps to the limit, gives no pool more than it wants, and leaves nothing unused that one wants', () => {
    fc.assert(
      fc.property(fc.array(demand, { minLength: 1, maxLength: 6 }), fc.nat(40), (demands, limit) => {
        const granted = shared(demands, limit);
        const sum = granted.reduce((total, count) => total + count, 0);
        expect(sum).to.be.at.most(limit);
        demands.forEach(({ wanted }, index) => expect(granted[index]).to.be.within(0, wanted));
        const isShort = demands.some(({ wanted }, index) => (granted[index] ?? 0) < wanted);
        if (isShort) expect(sum).to.equal(limit);
      }),
    );
  });

  it('has a container for a component that has requests and none, from one that has an idle container or several', () => {
    const calm = { wanted: 1, containers: 1, idle: 1, waiting: 0 };
    const none = { component: 'c', wanted: 1, containers: 0, idle: 0, waiting: 1 };
    const [a, b] = [
      { component: 'a', ...calm },
      { component: 'b', ...calm },
    ];
    expect(shared([a, b, none], 2)).to.deep.equal([0, 1, 1]);
    expect(shared([{ ...a, idle: 0 }, b, none], 2)).to.deep.equal([1, 0, 1]);
    expect(shared([{ ...a, wanted: 2, containers: 2, idle: 0 }, none], 2)).to.deep.equal([1, 1]);
    // Nothing is taken from one that has requests for its only container, or for a component that has one elsewhere, or that nobody calls.
    expect(shared([{ ...a, idle: 0 }, { ...b, idle: 0 }, none], 2)).to.deep.equal([1, 1, 0]);
    expect(shared([a, { ...none, component: 'a' }], 1)).to.deep.equal([1, 0]);
    expect(shared([a, { ...none, waiting: 0 }], 1)).to.deep.equal([1, 0]);
    // It comes before others that want to grow.
    expect(shared([{ ...a, wanted: 3 }, none], 2)).to.deep.equal([1, 1]);
  });

  it('leaves no component without a container that has requests while another one has an idle container', () => {
    fc.assert(
      fc.property(
        fc.array(demand, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        (demands, limit) => {
          const granted = shared(demands, limit);
          const starves = demands.some(({ component, wanted, waiting }) => {
            const has = demands.some(
              (each, at) => each.component === component && (each.containers > 0 || granted[at] !== 0),
            );
            return wanted > 0 && waiting > 0 && !has;
          });
          if (starves) expect(Math.max(...granted)).to.equal(1);
        },
      ),
    );
  });
});
