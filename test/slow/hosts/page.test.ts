import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Folder } from '../../cli/millrace.js';
import { stepsOf } from '../docs/page.js';
import { Project, root } from '../docs/project.js';
import { needsCommand, pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { NamespacedHosts, whyNoHosts } from './namespaced-hosts.js';

describe('docs/hosts.md', function () {
  this.timeout(600_000);
  let folder: Folder;
  let hosts: NamespacedHosts;

  before(async function () {
    const why = whyNoHosts();
    if (why !== undefined) pendingBecause(this, why);
    needsCommand(this, 'openssl');
    folder = new Folder();
    hosts = await NamespacedHosts.start(folder.path);
  });

  after(async () => {
    await hosts?.stop();
    await folder?.remove();
  });

  it('leads from an empty folder to what it promises, on three hosts', async () => {
    const project = await Project.create({ through: (command, path) => hosts.on('one', command, path) });
    try {
      for (const step of stepsOf(readFileSync(join(root, 'docs/hosts.md'), 'utf8'))) await project.do(step);
    } finally {
      await project.close();
    }
    await eventually(() => hosts.left().length === 0, 60_000).catch(() => {});
    expect(hosts.left()).to.deep.equal([]);
  });
});
