import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { expect } from 'chai';
import { readCorpus } from './corpus.js';
import { faultyNames, targetNames } from './targets.js';
import { fuzz } from './watch.js';

/** Seconds for each target. `FUZZ_SECONDS=300 npm run test:slow` finds more. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 1);
/** Another one each day, and each time that it is set: `FUZZ_SEED=7`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Date.now() / 86_400_000));

describe(`decoders, fuzzed for ${SECONDS} s each with seed ${SEED}`, function () {
  this.timeout((SECONDS + 60) * 1_000);

  for (const target of targetNames) {
    it(`of ${target} refuse by a typed error, keep within their memory, and return what encodes to the same`, async () => {
      const { output, hasFound } = await fuzz(target, SECONDS, SEED);
      expect(hasFound, output).to.equal(false);
      console.log(`      ${output.trim()}`);
    });
  }
});

describe('what fuzzes a decoder', function () {
  this.timeout(180_000);

  for (const fault of faultyNames) {
    it(`finds one that ${fault}, and prints how its input is replayed`, async () => {
      const { output, hasFound } = await fuzz(fault, 10, 1);
      expect(hasFound, output).to.equal(true);
      const replayed = /replay it with: node (.+)/.exec(output)?.[1]?.split(' ') ?? [];
      const { status } = spawnSync(process.execPath, replayed);
      rmSync(replayed.at(-1) ?? '');
      expect(status).to.equal(fault === 'exits' ? 7 : 1);
    });
  }
});

describe('the corpus of fuzzing', () => {
  it('has inputs for each target, and is small', () => {
    const sizes = targetNames.map((target) => readCorpus(target).reduce((sum, { length }) => sum + length, 0));
    expect(sizes.every((size) => size > 0)).to.equal(true);
    expect(sizes.reduce((sum, size) => sum + size)).to.be.below(200_000);
  });
});
