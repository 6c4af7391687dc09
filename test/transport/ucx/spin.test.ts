import { expect } from 'chai';
import fc from 'fast-check';
import { Spin } from '#src/transport/ucx/spin.js';

/** So long that a wake-up does not matter. */
const LONG_MS = 5;
/** Two wake-ups: what an end sleeps whose peer sleeps too. */
const TWO_WAKE_UPS_MS = 0.2;

interface Cost {
  spunMs: number;
  hits: number;
  sleeps: number;
}

/** A thread that waits again and again, on a clock of its own. */
class World {
  readonly spin = new Spin();

  /** The thread has a processor of its own: its news comes `ms` after it begins to wait, whether it spins or sleeps. */
  waitAlone(ms: number, cost: Cost = noCost()): Cost {
    const { lengthMs } = this.spin;
    if (ms < lengthMs) return this.#hit(ms, cost);
    return this.#slept(ms - lengthMs, cost);
  }

  /** The thread shares its processor with its peer: its news comes `ms` after it begins to sleep, however long it spins before. */
  waitBesidePeer(ms: number, cost: Cost = noCost()): Cost {
    return this.#slept(ms, cost);
  }

  #hit(ms: number, cost: Cost): Cost {
    this.spin.hit();
    cost.hits += 1;
    cost.spunMs += ms;
    return cost;
  }

  #slept(ms: number, cost: Cost): Cost {
    cost.spunMs += this.spin.lengthMs;
    cost.sleeps += 1;
    this.spin.slept(ms);
    return cost;
  }
}

function noCost(): Cost {
  return { spunMs: 0, hits: 0, sleeps: 0 };
}

function repeat(times: number, wait: (cost: Cost) => unknown): Cost {
  const cost = noCost();
  for (let count = 0; count < times; count++) wait(cost);
  return cost;
}

const waitsMs = fc.double({ min: 0.005, max: TWO_WAKE_UPS_MS, noNaN: true });

describe('the spin before a thread sleeps', () => {
  it('does not exist until a sleep was short', () => {
    const world = new World();
    expect(world.spin.lengthMs).to.equal(0);
    expect(repeat(20, (cost) => world.waitAlone(LONG_MS, cost)).spunMs).to.equal(0);
  });

  it('gets all news on a processor of its own, after the first sleep', () => {
    fc.assert(
      fc.property(waitsMs, (ms) => {
        const world = new World();
        const cost = repeat(50, (sum) => world.waitAlone(ms, sum));
        expect(cost).to.include({ sleeps: 1, hits: 49 });
      }),
    );
  });

  it('outlasts the sleeps of two ends that wait for each other', () => {
    const world = new World();
    world.waitAlone(TWO_WAKE_UPS_MS);
    expect(world.spin.lengthMs).to.be.greaterThan(TWO_WAKE_UPS_MS);
  });

  it('costs little where it keeps the peer from running', () => {
    fc.assert(
      fc.property(waitsMs, (ms) => {
        const world = new World();
        repeat(5_000, (sum) => world.waitBesidePeer(ms, sum));
        const cost = repeat(5_000, (sum) => world.waitBesidePeer(ms, sum));
        expect(cost.spunMs).to.be.below((5_000 * ms) / 100);
      }),
    );
  });

  it('costs little there even when a tenth of the news comes in time', () => {
    const world = new World();
    const cost = repeat(10_000, (sum) => {
      if (sum.sleeps % 10 === 9) world.waitAlone(0.001, sum);
      world.waitBesidePeer(0.02, sum);
    });
    expect(cost.spunMs).to.be.below((10_000 * 0.02) / 4);
  });

  it('comes back when the peer has a processor of its own again', () => {
    const world = new World();
    repeat(10_000, (sum) => world.waitBesidePeer(0.02, sum));
    repeat(2_000, (sum) => world.waitAlone(0.1, sum));
    expect(repeat(100, (sum) => world.waitAlone(0.1, sum))).to.include({ sleeps: 0, hits: 100 });
  });

  it('is bounded, however waits vary', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 200 }), (waits) => {
        const world = new World();
        for (const ms of waits) world.waitAlone(ms);
        expect(world.spin.lengthMs).to.be.within(0, 0.25);
      }),
    );
  });

  it('ends where sleeps are long, and begins anew when traffic comes back', () => {
    const world = new World();
    repeat(20, (sum) => world.waitAlone(TWO_WAKE_UPS_MS, sum));
    expect(world.spin.lengthMs).to.be.greaterThan(0);
    repeat(20, (sum) => world.waitAlone(LONG_MS, sum));
    expect(world.spin.lengthMs).to.equal(0);
    world.waitAlone(TWO_WAKE_UPS_MS);
    expect(world.spin.lengthMs).to.be.greaterThan(TWO_WAKE_UPS_MS);
  });
});

/** Time to handle a message and answer it, in ms. */
const HANDLING_MS = 0.005;

/** One end of a link whose ends answer each other, on a simulated clock. */
class End {
  readonly spin = new Spin();
  #waitsSinceMs = 0;

  wait(nowMs: number): void {
    this.#waitsSinceMs = nowMs;
  }

  /** A message is sent to this end at `nowMs`. Returns when it has answered. `wakeUpMs`: what it takes to wake it. */
  answer(nowMs: number, wakeUpMs: number): number {
    const sleepsFromMs = this.#waitsSinceMs + this.spin.lengthMs;
    if (nowMs < sleepsFromMs) {
      this.spin.hit();
      return nowMs + HANDLING_MS;
    }
    this.spin.slept(nowMs + wakeUpMs - sleepsFromMs);
    return nowMs + wakeUpMs + HANDLING_MS;
  }
}

/** Returns the mean round trip in ms, after the two ends have learned. */
function meanRoundTrip(processors: 1 | 2, wakeUpMs: number): number {
  const ends = [new End(), new End()] as const;
  let nowMs = 0;
  const oneWay = (from: End, to: End): void => {
    from.wait(nowMs);
    // The peer on the same processor runs when this end has stopped spinning.
    const startMs = processors === 1 ? nowMs + from.spin.lengthMs : nowMs;
    if (processors === 1) to.spin.slept(startMs + wakeUpMs - nowMs);
    nowMs = processors === 1 ? startMs + wakeUpMs + HANDLING_MS : to.answer(nowMs, wakeUpMs);
  };
  const trips = (count: number): void => {
    for (let trip = 0; trip < count; trip++) {
      oneWay(ends[0], ends[1]);
      oneWay(ends[1], ends[0]);
    }
  };
  trips(2_000);
  const learnedMs = nowMs;
  trips(2_000);
  return (nowMs - learnedMs) / 2_000;
}

describe('two ends that answer each other', () => {
  const wakeUpsMs = fc.double({ min: 0.005, max: TWO_WAKE_UPS_MS / 2, noNaN: true });

  it('never sleep where each has a processor', () => {
    fc.assert(
      fc.property(wakeUpsMs, (wakeUpMs) => {
        expect(meanRoundTrip(2, wakeUpMs)).to.be.closeTo(2 * HANDLING_MS, HANDLING_MS / 100);
      }),
    );
  });

  it('hand over at once where they share one: spins cost a twentieth of the round trip at most', () => {
    fc.assert(
      fc.property(wakeUpsMs, (wakeUpMs) => {
        expect(meanRoundTrip(1, wakeUpMs)).to.be.below(2 * (HANDLING_MS + wakeUpMs) * 1.05);
      }),
    );
  });
});
