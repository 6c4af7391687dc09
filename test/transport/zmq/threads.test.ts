import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('threads-process.js', import.meta.url));

describe('a thread with links over ZeroMQ', function () {
  this.timeout(300_000);

  for (const end of ['closes', 'exits', 'throws', 'hangs', 'is terminated', 'ends with the process']) {
    it(`that ${end} does not end its process`, async () => {
      const { stderr } = await promisify(execFile)(process.execPath, [PROGRAM, end, '1'], { timeout: 250_000 });
      expect(stderr).to.equal('');
    });
  }
});
