import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('../../transport/zmq/threads-process.js', import.meta.url));

/** Threads of each kind. `ROUNDS=200` has so many. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 12);

describe(`${ROUNDS} threads with links over ZeroMQ, one after the other,`, function () {
  this.timeout(1_200_000);

  for (const end of ['exits', 'throws', 'hangs', 'is terminated']) {
    it(`of which each ${end}, do not end their process`, async () => {
      const ends = Array.from({ length: ROUNDS }, () => end);
      const { stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...ends], { timeout: 1_000_000 });
      expect(stderr).to.equal('');
    });
  }
});
