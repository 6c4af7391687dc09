import { expectSound, runRounds, summaryOf } from './rounds.js';

const ROUNDS = 5;

describe('four processes under load, of which one is killed again and again', function () {
  this.timeout(120_000);

  it('lose nothing without an error, handle nothing twice, and are all ready again: with the store in a file', async () => {
    const rounds = await runRounds({ store: 'embedded', leaseMs: 5_000, rounds: ROUNDS, seed: Date.now() % 2 ** 31 });
    console.log(summaryOf(rounds));
    expectSound(rounds, ROUNDS);
  });
});
