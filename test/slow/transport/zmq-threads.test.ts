import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('../../transport/zmq/threads-process.js', import.meta.url));

describe('200 threads with links over ZeroMQ', function () {
  this.timeout(1_200_000);

  for (const end of ['exits', 'throws', 'hangs', 'is terminated']) {
    it(`of which each ${end}, do not end their process`, async () => {
      const ends = Array.from({ length: 50 }, () => end);
      const { stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...ends], { timeout: 1_000_000 });
      expect(stderr).to.equal('');
    });
  }
});
