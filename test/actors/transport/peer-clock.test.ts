import { expect } from 'chai';
import fc from 'fast-check';
import { PeerClock } from '#src/actors/transport/peer-clock.js';
import type { v1 } from '#src/protocol/index.js';

/** The estimator of a process whose clock shows `time.nowMs`, and what it has sent. */
function estimator() {
  const time = { nowMs: 0 };
  const sent: v1.LinkMessageInit['message'][] = [];
  const clock = new PeerClock({ now: () => time.nowMs }, ({ message }) => void sent.push(message));
  return { time, clock, sent };
}

/** Largest error of sums of such numbers. */
const ROUNDING_MS = 1e-3;

describe('the estimate of the clock of a peer', () => {
  it('never takes a frame for later than it is, and for earlier by the fastest frame and the drift at most', () => {
    const frames = fc.array(
      fc.record({
        gapMs: fc.oneof(fc.nat(50), fc.nat(100_000)),
        wayMs: fc.oneof(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0, max: 60_000, noNaN: true })),
      }),
      { minLength: 1, maxLength: 60 },
    );
    const offset = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    const drift = fc.double({ min: -5e-5, max: 5e-5, noNaN: true });
    fc.assert(
      fc.property(frames, offset, drift, (all, offsetMs, rate) => {
        const { clock } = estimator();
        let [sentMs, receivedMs, fastestMs, atMs] = [0, 0, Number.POSITIVE_INFINITY, 0];
        for (const { gapMs, wayMs } of all) {
          sentMs += gapMs;
          receivedMs = Math.max(receivedMs, sentMs + wayMs);
          const trueMs = receivedMs - sentMs;
          const estimatedMs = clock.onWayMs(sentMs * (1 + rate) + offsetMs, receivedMs);
          expect(estimatedMs)
            .to.be.at.least(0)
            .and.at.most(trueMs + ROUNDING_MS);
          if (fastestMs < Number.POSITIVE_INFINITY) {
            const slackMs = fastestMs + 2e-4 * (receivedMs - atMs + 60_000);
            expect(estimatedMs).to.be.at.least(trueMs - slackMs - ROUNDING_MS);
          }
          if (trueMs < fastestMs) [fastestMs, atMs] = [trueMs, receivedMs];
        }
      }),
    );
  });

  it('asks for the time of a peer whose frames seem late, once a second at most', () => {
    const { clock, sent } = estimator();
    clock.onWayMs(0, 10);
    clock.onWayMs(100, 120);
    expect(sent).to.deep.equal([]);
    for (let atMs = 1_000; atMs < 4_000; atMs += 10) clock.onWayMs(atMs - 500, atMs);
    expect(sent).to.deep.equal([1_000, 2_000, 3_000].map((sentMs) => ({ case: 'clockPing', value: { sentMs } })));
  });

  it('is corrected by the answer of a peer whose clock has fallen back', () => {
    const { time, clock, sent } = estimator();
    // The clock of the peer is 1 s ahead, and each frame is on its way for 5 ms.
    expect(clock.onWayMs(1_005, 10)).to.equal(0);
    // Now it is 4 s behind.
    expect(clock.onWayMs(-3_905, 100)).to.be.closeTo(5_000, 1);
    expect(sent).to.deep.equal([{ case: 'clockPing', value: { sentMs: 100 } }]);
    time.nowMs = 110;
    clock.onPong({ pingMs: 100, sentMs: -3_895 });
    expect(clock.onWayMs(-3_805, 200)).to.equal(0);
    expect(clock.onWayMs(-3_705, 400)).to.be.closeTo(100, 1);
  });

  it('is kept by the answer of a peer whose frames are late', () => {
    const { time, clock, sent } = estimator();
    expect(clock.onWayMs(1_005, 10)).to.equal(0);
    expect(clock.onWayMs(2_000, 6_000)).to.be.closeTo(4_995, 1);
    expect(sent).to.deep.equal([{ case: 'clockPing', value: { sentMs: 6_000 } }]);
    time.nowMs = 6_010;
    clock.onPong({ pingMs: 6_000, sentMs: 7_005 });
    expect(clock.onWayMs(6_500, 6_010)).to.be.closeTo(505, 1);
  });

  it('takes nothing from a peer that states no time, or answers what it was not asked', () => {
    const { clock, sent } = estimator();
    for (const sentMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(clock.onWayMs(sentMs, 10)).to.equal(0);
      clock.onPong({ pingMs: 0, sentMs });
    }
    clock.onWayMs(0, 10);
    clock.onPong({ pingMs: 3, sentMs: 1e9 });
    clock.onPong({ pingMs: Number.NaN, sentMs: 1e9 });
    expect(clock.onWayMs(0, 11)).to.be.closeTo(1, 0.01);
    expect(sent).to.deep.equal([]);
  });

  it('recovers from a peer whose absurd time made all its frames seem late', () => {
    const { time, clock } = estimator();
    for (const sentMs of [1e300, Number.MAX_VALUE]) clock.onWayMs(sentMs, 0);
    expect(clock.onWayMs(0, 5)).to.be.greaterThan(1e300);
    time.nowMs = 10;
    clock.onPong({ pingMs: 5, sentMs: 7 });
    expect(clock.onWayMs(17, 20)).to.equal(0);
  });

  it('answers a flood of pings once', () => {
    const { clock, sent } = estimator();
    for (let index = 0; index < 10_000; index += 1) clock.onPing({ sentMs: index });
    expect(sent).to.deep.equal([{ case: 'clockPong', value: { pingMs: 0, sentMs: 0 } }]);
  });
});
