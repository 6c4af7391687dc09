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
let hasFailed = false;
const write = process.stderr.write;
process.stderr.write = function (text, ...rest) {
  hasFailed ||= String(text).includes('could not be started');
  return write.call(this, text, ...rest);
};
await until('the partition is missed', () => runtime.health().problems.includes('Partition 1 of this process is gone, and begins anew.'));
await until('its successor cannot be started', () => hasFailed);
for (const descriptor of taken) closeSync(descriptor);
await until('it is back', () => runtime.health().problems.length === 0);
console.log(failures, 'failures for good');
await runtime.stop();
`;

describe('a process that has used up its descriptors', function () {
  this.timeout(180_000);

  it('goes on without the partition that it cannot start, and starts it when it can', () => {
    const folder = mkdtempSync(join(root, 'build/descriptors-'));
    try {
      writeFileSync(join(folder, 'main.mjs'), PROGRAM);
      const command = `ulimit -n 128 && exec '${process.execPath}' main.mjs`;
      const { stdout, stderr, status } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' });
      expect(stdout, stderr).to.equal(
        'EMFILE\nthe partition is missed\nits successor cannot be started\nit is back\n0 failures for good\n',
      );
      expect(status).to.equal(0);
      expect(stderr).to.contain('could not be started').and.not.contain('Unhandled');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const SERVICE = `
import { openSync } from 'node:fs';
import { Runtime } from 'millrace';
try {
  for (;;) openSync('/dev/null');
} catch (error) {
  console.log(error.code);
}
for (const options of [{ listen: 'unix:' }, { placement: 'thread', partitions: 2 }, { clusterKeyFile: 'key', listen: 'unix:' }]) {
  await Runtime.start({ ...options, logLevel: 'silent' }).catch((error) => console.log(error.name, error.message));
}
`;
/** Steps in which the limit grows from what Node itself needs to what is enough for everything. */
const STEP = 10;
const ENOUGH = 90;

describe('a process that may open few files', function () {
  this.timeout(180_000);
  let folder: string;
  let limits: readonly number[];
  before(() => {
    folder = mkdtempSync(join(root, 'build/descriptors-'));
    writeFileSync(join(folder, 'plain.mjs'), `await import('./other.mjs');`);
    writeFileSync(join(folder, 'other.mjs'), '');
    writeFileSync(join(folder, 'service.mjs'), SERVICE);
    let least = 10;
    while (runWith(least, 'plain.mjs').status !== 0) least++;
    limits = Array.from({ length: Math.ceil((ENOUGH - least) / STEP) }, (_, index) => least + index * STEP);
  });
  after(() => rmSync(folder, { recursive: true }));

  const runWith = (limit: number, ...words: readonly string[]) =>
    spawnSync('sh', ['-c', `ulimit -n ${limit} && exec "$@"`, 'sh', process.execPath, ...words], {
      cwd: folder,
      encoding: 'utf8',
      // Node would warn that it cannot read that file.
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
    });

  it('is told by the command what it lacks, in one line without a stack', () => {
    const command = join(root, 'dist/cli/millrace.js');
    const refused = limits.filter((limit) => {
      const { status, stdout, stderr } = runWith(limit, command, 'config', '--json');
      if (status === 0) return false;
      expect(stderr, `${limit}`).to.match(
        /^millrace: cannot be loaded: this process has too many open files\. Raise .*\n$/,
      );
      expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' });
      return true;
    });
    expect(refused).to.include(limits[0]);
    expect(refused).to.not.include(limits.at(-1));
  });

  it('gets a typed error where a part of a runtime cannot be loaded', () => {
    const { stdout, stderr } = runWith(ENOUGH, 'service.mjs');
    const line = 'ResourceError A part of Millrace cannot be loaded: this process has too many open files\\. .*\n';
    expect(stdout, stderr).to.match(new RegExp(`^EMFILE\n(${line}){3}$`));
  });
});
