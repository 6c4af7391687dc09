import { resolve } from 'node:path';
import { expect } from 'chai';
import { lacking } from '../resources/available.js';
import { MACHINES } from '../resources/topology/machine.js';
import { Folder } from './millrace.js';

describe('millrace topology', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());
  const xml = resolve(MACHINES, 'uneven-gpus.xml');

  it('prints another machine from its XML: the tree, the partitions, and what would be pinned where', async () => {
    const { code, stdout, stderr } = await folder.ask(['topology', '--xml', xml, '--strategy', 'package']);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.equal('');
    expect(stdout).to.match(/^ {2}package 1: processors 4-7$/m);
    expect(stdout).to.match(/^ {2}gpu cuda3, card4, renderD131, nvml3 \(0000:81:00\.0\), near processors 4-7$/m);
    expect(stdout).to.match(/^host partitions by package: 2$/m);
    expect(stdout).to.match(/^ {2}3 {2}host 1 {2}thread to processors 4-7 {2}memory to NUMA nodes 1 {2}gpu cuda3$/m);
  });

  it('prints it as JSON, narrowed to a cpuset, and says what the machine lacks', async () => {
    const words = ['topology', '--xml', xml, '--strategy', 'l3', '--cpuset', '0-3,9', '--json'];
    const { code, stdout, stderr } = await folder.ask(words);
    expect(code).to.equal(0);
    const system = JSON.parse(stdout) as { hosts: { cpuset: string }[]; strategy: string };
    expect(system.strategy).to.equal('l3');
    expect(system.hosts.map(({ cpuset }) => cpuset)).to.deep.equal(['0-1', '2-3']);
    expect(stderr).to.match(/^millrace: cpuset 0-3,9 contains the processors 9/);
  });

  it('prints this machine, with or without libhwloc', async () => {
    const { code, stdout, stderr } = await folder.ask(['topology', '--strategy', 'core']);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^machine: \d+ processors/);
    if (lacking === undefined) expect(stdout).to.match(/^ +core 0: /m);
    else expect(stderr).to.include('apt-get install -y libhwloc15');
  });

  it('makes machines of synthetic descriptions, and says why it does not', async () => {
    const { code, stdout, stderr } = await folder.ask([
      'topology',
      '--synthetic',
      'pack:2 core:2 pu:2',
      '--strategy',
      'core',
    ]);
    if (lacking === undefined) {
      expect(code, stderr).to.equal(0);
      expect(stdout.match(/thread to processors \d-\d/g)).to.have.length(4);
    } else {
      expect(code).to.equal(1);
      expect(stderr).to.include('apt-get install -y libhwloc15');
    }
  });

  it('is what a run is divided by', async () => {
    const { code, stderr } = await folder.ask(['config', '--json'], {
      MILLRACE_PARTITIONS: 'numa',
      MILLRACE_CPUSET: '0-3,8',
    });
    expect(code, stderr).to.equal(0);
    folder.writePipeline('short.js', { read: 'await output.write({ delay: 1 });' });
    const words = ['run', 'short.js', '--partitions', 'core', '--quiet', '--json', '--seed', '7'];
    const ended = await folder.ask(words, { MILLRACE_CPUSET: 'everything' });
    expect(ended.code).to.equal(2);
    expect(ended.stderr).to.include('a list of processors like 0-3,8');
    const ran = await folder.ask(words);
    expect(ran.code, ran.stderr).to.equal(0);
  });
});
