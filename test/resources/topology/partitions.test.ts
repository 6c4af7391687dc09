import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import {
  describeSystem,
  formatSystem,
  type PartitionStrategy,
  parseCpuList,
  parseStrategy,
  readTopology,
  type System,
  type SystemOptions,
} from '#src/resources/index.js';
import { machine, randomMachines } from './machine.js';

const systemOf = (name: string, options: SystemOptions, affinity?: string): System =>
  describeSystem(options, {
    topology: machine(name),
    affinity: affinity === undefined ? undefined : parseCpuList(affinity),
  });
const cpusets = ({ hosts }: System): string[] => hosts.map(({ cpuset }) => cpuset);
const gpus = ({ hosts }: System): string[] => hosts.map((host) => host.gpus.map(({ name }) => name).join(' '));

describe('host partitions', () => {
  /** Machine, strategy, affinity if any, and the processors of each. */
  const divided: readonly (readonly [string, PartitionStrategy, string | undefined, string[]])[] = [
    ['two-packages', 'machine', undefined, ['0-15']],
    ['two-packages', 'package', undefined, ['0-7', '8-15']],
    ['two-packages', 'numa', undefined, ['0-3', '4-7', '8-11', '12-15']],
    ['two-packages', 'core', '0-4', ['0-1', '2-3', '4']],
    ['two-packages', 'package', '6-9', ['6-7', '8-9']],
    ['siblings-apart', 'package', undefined, ['0-3,8-11', '4-7,12-15']],
    ['siblings-apart', 'l3', undefined, ['0-1,8-9', '2-3,10-11', '4-5,12-13', '6-7,14-15']],
    ['siblings-apart', 'count(8)', undefined, ['0,8', '1,9', '2,10', '3,11', '4,12', '5,13', '6,14', '7,15']],
    ['siblings-apart', 'count(3)', undefined, ['0-1,8-9', '2-4,10-12', '5-7,13-15']],
    ['siblings-apart', 'count(2)', '0-7', ['0-3', '4-7']],
    ['fast-and-slow-memory', 'numa', undefined, ['0-1', '2-3', '4-5', '6-7']],
    ['node-without-memory', 'numa', undefined, ['0-3', '4-7']],
    ['node-without-memory', 'l3', undefined, ['0-3', '4-7']],
    ['hybrid', 'core', undefined, ['0-1', '2-3', '4-5', '6-7', '8', '10', '12', '14']],
    ['small-cgroup', 'machine', undefined, ['2-5']],
    ['small-cgroup', 'l3', undefined, ['2-3', '4-5']],
    ['small-cgroup', 'package', '0-4', ['2-3', '4']],
    ['one-core', 'core', undefined, ['0']],
    ['one-core', 'l3', undefined, ['0']],
    ['one-core', 'count(2)', undefined, ['0', '0']],
  ];
  for (const [name, strategy, affinity, expected] of divided) {
    const narrowed = affinity === undefined ? '' : ` with the affinity ${affinity}`;
    it(`of ${name} by ${strategy}${narrowed} are ${expected.join(' | ')}`, () => {
      expect(cpusets(systemOf(name, { strategy }, affinity))).to.deep.equal(expected);
    });
  }

  it('hold each usable processor exactly once, in a stable order, whatever the machine, the strategy and the affinity', () => {
    const strategies = fc.oneof(
      fc.constantFrom<PartitionStrategy>('machine', 'package', 'numa', 'l3', 'core'),
      fc.integer({ min: 1, max: 9 }).map((count): PartitionStrategy => `count(${count})`),
    );
    fc.assert(
      fc.property(randomMachines, strategies, ({ xml, affinity }, strategy) => {
        const topology = readTopology(xml);
        const system = describeSystem({ strategy }, { topology, affinity });
        const { hosts, partitions } = system;
        const held = hosts.flatMap(({ cpus }) => cpus);
        expect(new Set(held)).to.deep.equal(new Set(affinity));
        const count = Number(/^count\((\d+)/.exec(strategy)?.[1] ?? 0);
        if (count <= affinity.length) expect(held).to.have.length(affinity.length);
        if (count > 0) expect(hosts).to.have.length(count);
        else
          expect(hosts.map(({ cpus }) => cpus[0])).to.deep.equal(
            hosts.map(({ cpus }) => cpus[0]).toSorted((a, b) => (a ?? 0) - (b ?? 0)),
          );
        expect(
          isDeepStrictEqual(system, describeSystem({ strategy }, { topology: readTopology(xml), affinity })),
        ).to.equal(true);
        // No GPU is lost, none has two partitions of one host, and those with one come first.
        const cards = topology.cards.length;
        expect(new Set(partitions.flatMap(({ gpu }) => gpu?.name ?? [])).size).to.equal(cards);
        expect(new Set(partitions.map(({ host, gpu }) => `${host} ${gpu?.name}`)).size).to.equal(partitions.length);
        expect(new Set(partitions.map(({ host }) => host)).size).to.equal(hosts.length);
        const have = partitions.map(({ gpu }) => gpu !== undefined);
        expect(have).to.deep.equal(have.toSorted((a, b) => Number(b) - Number(a)));
      }),
    );
  });

  it('have the memory that is near to them, and that of their surroundings where theirs is none', () => {
    const nodes = (name: string, strategy: PartitionStrategy): (readonly number[])[] =>
      systemOf(name, { strategy }).hosts.map((host) => host.nodes);
    expect(nodes('two-packages', 'package')).to.deep.equal([
      [0, 1],
      [2, 3],
    ]);
    expect(nodes('two-packages', 'core')).to.deep.equal([[0], [0], [1], [1], [2], [2], [3], [3]]);
    expect(nodes('fast-and-slow-memory', 'numa')).to.deep.equal([
      [0, 2, 6],
      [1, 2, 6],
      [3, 5, 6],
      [4, 5, 6],
    ]);
    expect(nodes('node-without-memory', 'package')).to.deep.equal([[0], [0]]);
  });

  it('are narrowed by a cpuset of the user, which says what it lacks', () => {
    const system = systemOf('two-packages', { strategy: 'package', cpuset: '0-1,8,64' });
    expect(cpusets(system)).to.deep.equal(['0-1', '8']);
    expect(system.notices.join()).to.include('cpuset 0-1,8,64 contains the processors 64');
    expect(systemOf('two-packages', { strategy: 'package', cpuset: '0,8' }).notices).to.deep.equal([]);
  });

  it('cannot be made of processors that are not there', () => {
    expect(() => systemOf('two-packages', { strategy: 'l3', cpuset: '64' })).to.throw(ConfigError, '0-15');
    expect(() => systemOf('two-packages', { strategy: 'l3', cpuset: 'all' })).to.throw(ConfigError, '0-3,8');
    expect(() => systemOf('two-packages', { strategy: 'l3' }, '64')).to.throw(ConfigError, 'they have none in common');
  });

  it('are made by a strategy or by a number, and by nothing else', () => {
    for (const bad of ['', 'socket', 'count', 'count(0)', 'count(1025)', 'count(-1)', 'toString']) {
      expect(() => parseStrategy(bad), bad).to.throw(ConfigError, 'count(N)');
    }
    expect(parseStrategy('count(3)')).to.equal('count(3)');
    expect(() => systemOf('one-core', { strategy: 'l3', partitions: 2 })).to.throw(ConfigError, 'exclude each other');
  });
});

describe('devices', () => {
  it('go to the host partitions near them: uneven ones keep their remainder', () => {
    expect(gpus(systemOf('uneven-gpus', { strategy: 'package' }))).to.deep.equal(['cuda0 cuda1 cuda2', 'cuda3']);
    expect(gpus(systemOf('uneven-gpus', { strategy: 'machine' }))).to.deep.equal(['cuda0 cuda1 cuda2 cuda3']);
  });

  it('are shared where there are fewer than host partitions near them', () => {
    const system = systemOf('uneven-gpus', { strategy: 'l3' });
    expect(gpus(system)).to.deep.equal(['cuda0 cuda1', 'cuda2', 'cuda3', 'cuda3']);
    expect(system.hosts.map(({ networks }) => networks.map(({ name }) => name).join())).to.deep.equal([
      'ib0',
      'ib0',
      'eth0',
      'eth0',
    ]);
  });

  it('are spread in the order of the bus where the machine does not say what they are near to', () => {
    const system = systemOf('more-gpus-than-domains', { strategy: 'l3' });
    expect(gpus(system)).to.deep.equal(['cuda0 cuda1 cuda2 cuda3', 'cuda4 cuda5 cuda6 cuda7']);
    expect(gpus(systemOf('more-gpus-than-domains', { strategy: 'count(3)' }))).to.deep.equal([
      'cuda0 cuda1 cuda2',
      'cuda3 cuda4 cuda5',
      'cuda6 cuda7',
    ]);
  });

  it('go to the host partition with most of the processors near them, where none lies within', () => {
    expect(gpus(systemOf('uneven-gpus', { strategy: 'count(3)' }))).to.deep.equal(['cuda0 cuda1 cuda2', '', 'cuda3']);
  });

  it('are not lost when the processors near them are withheld', () => {
    // Those of the other package are as near to one cache as to the other.
    expect(gpus(systemOf('uneven-gpus', { strategy: 'l3' }, '4-7'))).to.deep.equal(['cuda0 cuda1', 'cuda2 cuda3']);
  });

  it('make a partition each, before those without', () => {
    const { partitions } = systemOf('uneven-gpus', { strategy: 'count(3)' });
    expect(partitions.map(({ index, host, cpuset, gpu }) => [index, host, cpuset, gpu?.name])).to.deep.equal([
      [0, 0, '0-1', 'cuda0'],
      [1, 0, '0-1', 'cuda1'],
      [2, 0, '0-1', 'cuda2'],
      [3, 2, '5-7', 'cuda3'],
      [4, 1, '2-4', undefined],
    ]);
  });
});

describe('a system of a topology', () => {
  it('prints what is pinned where', () => {
    const text = formatSystem(systemOf('uneven-gpus', { strategy: 'package', engineGroups: { parse: 2 } }));
    expect(text).to.include('host partitions by package: 2');
    expect(text).to.match(/3 +host 1 +thread to processors 4-7 +memory to NUMA nodes 1 +gpu cuda3/);
    expect(text).to.include('main=2 on 0-1; parse=2 on 2-3');
  });

  it('cannot be changed', () => {
    const { partitions, hosts } = systemOf('uneven-gpus', { strategy: 'l3' });
    expect(() => (partitions as unknown[]).pop()).to.throw(TypeError);
    const cpus = hosts[0]?.cpus as number[];
    expect(() => cpus.push(1)).to.throw(TypeError);
  });

  it('comes back from JSON as it was', () => {
    const system = systemOf('uneven-gpus', { strategy: 'l3' });
    expect(JSON.parse(JSON.stringify(system))).to.deep.equal(system);
  });

  it('has one partition where nothing says otherwise', () => {
    expect(systemOf('two-packages', {}).partitions.map(({ cpuset }) => cpuset)).to.deep.equal(['0-15']);
  });
});
