import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkoutCommands } from './page.js';
import { root } from './project.js';

describe('README.md, for a checkout', () => {
  it('shows the commands that continuous integration runs on a bare machine', () => {
    const commands = checkoutCommands(readFileSync(join(root, 'README.md'), 'utf8'));
    expect(commands).to.have.members(['npm start', 'npm test']);
    const integration = readFileSync(join(root, '.ci/run'), 'utf8');
    expect(integration).to.include('.ci/bare-machine in "$bare" npm start --silent');
    expect(integration).to.match(/^ *on_bare_machine user "\$node_of_user" npm test$/m);
  });
});
