import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('threads-process.js', import.meta.url));

describe('a thread with links over ZeroMQ', function () {
  this.timeout(300_000);

  it('does not end its process, however it ends: they end one after the other', async () => {
    const ends = ['closes', 'exits', 'throws', 'hangs', 'is terminated', 'ends with the process'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...ends], { timeout: 250_000 });
    expect(stderr).to.equal('');
    expect(stdout.trim().split('\n')).to.deep.equal(ends);
  });
});
