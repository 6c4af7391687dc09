import { expect } from 'chai';
import { Spin } from '#src/transport/ucx/spin.js';

/** So long that a wake-up does not matter. */
const LONG_MS = 5;
/** Two wake-ups: what an end sleeps whose peer sleeps too. */
const TWO_WAKE_UPS_MS = 0.2;

describe('the spin before a thread sleeps', () => {
  const sleeps = (spin: Spin, ms: number, times: number): number => {
    for (let count = 0; count < times; count++) {
      spin.expired();
      spin.slept(ms);
    }
    return spin.lengthMs;
  };

  it('outlasts the sleeps of two ends that wait for each other, after a few of them', () => {
    expect(sleeps(new Spin(), TWO_WAKE_UPS_MS, 5)).to.be.greaterThan(TWO_WAKE_UPS_MS);
  });

  it('is bounded, however short sleeps are', () => {
    const spin = new Spin();
    const after = sleeps(spin, 0.01, 10);
    for (let count = 0; count < 100; count++) spin.slept(0.01);
    expect(spin.lengthMs).to.be.below(0.5).and.at.least(after);
  });

  it('shrinks to nearly nothing where sleeps are long, and never to nothing', () => {
    const spin = new Spin();
    const least = spin.lengthMs;
    expect(sleeps(spin, TWO_WAKE_UPS_MS, 20)).to.be.greaterThan(10 * least);
    expect(sleeps(spin, LONG_MS, 20)).to.equal(least);
    expect(least).to.be.greaterThan(0);
  });

  it('learns anew when traffic comes back', () => {
    const spin = new Spin();
    sleeps(spin, LONG_MS, 50);
    expect(sleeps(spin, TWO_WAKE_UPS_MS, 5)).to.be.greaterThan(TWO_WAKE_UPS_MS);
  });
});
