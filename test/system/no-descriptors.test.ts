import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from './root.js';

/** A partition's process dies while no descriptor is left, so that its successor cannot be spawned; later there are some again. */
const PROGRAM = `
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Runtime } from 'millrace';
const until = async (what, isTrue) => {
  for (let waits = 0; !isTrue(); waits++) {
    if (waits > 1500) throw new Error('this never happened: ' + what);
    await delay(10);
  }
  console.log(what);
};
const runtime = await Runtime.start({ partitions: 2, placement: 'process', ucx: 'off', logLevel: 'error' });
let failures = 0;
runtime.failures.subscribe(() => failures++);
const [child] = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').split(' ').map(Number);
const taken = [];
try {
  for (;;) taken.push(openSync('/dev/null'));
} catch (error) {
  console.log(error.code);
}
process.kill(child, 'SIGKILL');
await until('the partition is missed', () => runtime.health().problems.includes('Partition 1 of this process is not there.'));
for (const descriptor of taken) closeSync(descriptor);
await until('it is back', () => runtime.health().problems.length === 0);
console.log(failures, 'failures for good');
await runtime.stop();
`;

describe('a process that has used up its descriptors', function () {
  this.timeout(60_000);

  it('goes on without the partition that it cannot start, and starts it when it can', () => {
    const folder = mkdtempSync(join(root, 'build/descriptors-'));
    try {
      writeFileSync(join(folder, 'main.mjs'), PROGRAM);
      const command = `ulimit -n 128 && exec '${process.execPath}' main.mjs`;
      const { stdout, stderr, status } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' });
      expect(stdout, stderr).to.equal('EMFILE\nthe partition is missed\nit is back\n0 failures for good\n');
      expect(status).to.equal(0);
      expect(stderr).to.contain('could not be started').and.not.contain('Unhandled');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
