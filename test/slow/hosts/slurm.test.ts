import { expect } from 'chai';
import { Folder } from '../../cli/millrace.js';
import { pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { NamespacedHosts, whyNoHosts } from './namespaced-hosts.js';
import { SlurmCluster, slurmEnvironment, whyNoSlurm } from './slurm-cluster.js';

const PATIENCE_MS = 120_000;
/** Its daemons, which stay. */
const OF_SLURM = /^\w+: (munged|slurmctld|: slurmscriptd|slurmd|slurmstepd)\b/;

describe('millrace up in a job of Slurm on three hosts', function () {
  this.timeout(600_000);
  let folder: Folder;
  let hosts: NamespacedHosts;

  before(async function () {
    const why = whyNoHosts() ?? whyNoSlurm();
    if (why !== undefined) pendingBecause(this, why);
    folder = new Folder();
    hosts = await NamespacedHosts.start(folder.path, slurmEnvironment(folder.path));
    await SlurmCluster.start(hosts);
  });

  after(async () => {
    await hosts?.stop();
    await folder?.remove();
  });

  /** As a user types it on the first host: `salloc --nodes N millrace ...`. */
  const inJob = (nodes: number, words: readonly string[]) =>
    folder.startBy((command) => hosts.on('one', ['salloc', `--nodes=${nodes}`, ...command]), words).ended;

  async function nothingIsLeft(): Promise<void> {
    const left = (): readonly string[] => hosts.left().filter((command) => !OF_SLURM.test(command));
    await eventually(() => left().length === 0, PATIENCE_MS).catch(() => {});
    expect(left()).to.deep.equal([]);
  }

  it('uses the first nodes of a job where fewer are asked for, and returns the exit code of the program', async () => {
    folder.write(
      'where.js',
      "import { hostname } from 'node:os'; console.log('on', hostname()); process.exitCode = 7;",
    );
    const { code, stdout, stderr } = await inJob(2, ['up', 'where.js', '--slurm', '--nodes', '1', '--no-prefix']);
    expect(code, stderr).to.equal(7);
    expect(stdout).to.equal('on one\n');
    await nothingIsLeft();
  });
});
