import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/until.js';
import { root } from './root.js';

const PROGRAM = `
import { Runtime } from 'millrace';
const [placement, how] = process.argv.slice(-2);
await Runtime.start({ listen: 'unix:', partitions: 3, placement, logLevel: 'silent' });
if (how === 'calls process.exit') process.exit(7);
else setImmediate(() => { throw new Error('uncaught'); });
`;

describe('a program that ends without stopping its runtime', function () {
  this.timeout(120_000);
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const placement of ['thread', 'process'] as const) {
    for (const how of ['calls process.exit', 'throws'] as const) {
      it(`leaves no sockets and folders of its partitions, placement ${placement}, when it ${how}`, async () => {
        const words = ['--input-type=module', '--eval', PROGRAM, '--', placement, how];
        const env = { ...process.env, TMPDIR: folder };
        const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, env, encoding: 'utf8' });
        expect(status, stderr).to.equal(how === 'throws' ? 1 : 7);
        // Child processes end when they see the end of their host.
        await eventually(() => readdirSync(folder).length === 0);
      });
    }
  }
});
