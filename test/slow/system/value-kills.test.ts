import { expect } from 'chai';
import { describeWithSharedMemory } from '../../descriptors/pools.js';
import { STREAM_ROLES, StreamFleet } from '../../system/values/rounds.js';
import { randomFrom } from '../../system/failover/random.js';

/** `ROUNDS=200` looks longer, and `SEED` repeats the times of a run. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const ROUND_MS = 120_000;

describeWithSharedMemory('three processes with a stream of values of 1 MiB', () => {
  let fleet: StreamFleet;

  beforeEach(async function () {
    this.timeout(ROUND_MS);
    fleet = new StreamFleet();
    await fleet.start();
  });
  afterEach(() => fleet.close());

  it(`have their memory back when one of them is killed, and read no wrong byte, ${ROUNDS} times`, async function () {
    this.timeout(ROUNDS * ROUND_MS);
    const random = randomFrom(SEED);
    let read = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const killed = STREAM_ROLES[round % STREAM_ROLES.length] ?? 'owner';
      const title = `SEED=${SEED}, round ${round}: the ${killed} was killed`;
      try {
        const parts = await fleet.round(round, killed, random);
        expect(parts.flatMap(({ faults }) => faults)).to.deep.equal([]);
        const errors = parts.map(({ error }) => error).filter((error) => error !== '');
        for (const error of errors) expect(error).to.be.oneOf(['UnreachableError', 'StoppedError']);
        read += Math.min(...parts.map(({ moved }) => moved));
      } catch (error) {
        throw new Error(`${title}: ${String(error)}`, { cause: error });
      }
    }
    console.log(`        SEED=${SEED}; at least ${read} values moved in ${ROUNDS} rounds`);
    expect(read).to.be.greaterThan(0);
    await fleet.stop();
  });
});
