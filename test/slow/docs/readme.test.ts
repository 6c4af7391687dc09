import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { checkoutCommands } from './page.js';
import { root } from './project.js';

const run = promisify(execFile);

describe('README.md, for a checkout', function () {
  this.timeout(300_000);

  it('shows commands that end well', async () => {
    const commands = checkoutCommands(readFileSync(join(root, 'README.md'), 'utf8'));
    expect(commands).to.include.members(['npm start', 'npm test']);
    // The tests cannot run themselves.
    for (const command of commands.filter((each) => each !== 'npm test')) {
      await run('bash', ['-c', command], { cwd: root });
    }
  });
});
