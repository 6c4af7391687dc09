import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { formatTopology, readTopology } from '#src/resources/index.js';
import { devicesOf, objectsOf } from '#src/resources/topology/index.js';
import { machine, MACHINES, randomMachines } from './machine.js';

/** How many packages, NUMA nodes, L3 caches, cores and processors each machine has. */
const COUNTS: Readonly<Record<string, readonly number[]>> = {
  'two-packages': [2, 4, 4, 8, 16],
  'one-core': [1, 1, 0, 1, 1],
  'siblings-apart': [2, 1, 4, 8, 16],
  'node-without-memory': [2, 2, 0, 8, 8],
  'fast-and-slow-memory': [2, 7, 0, 8, 8],
  hybrid: [1, 1, 1, 8, 12],
  'small-cgroup': [2, 2, 4, 8, 8],
  'uneven-gpus': [2, 2, 4, 8, 8],
  'more-gpus-than-domains': [1, 1, 2, 6, 6],
  'gpu-without-driver': [1, 2, 8, 16, 16],
  'virtual-machine': [1, 1, 1, 2, 2],
};

const PU = '<object type="PU" os_index="0"/>';
const wrap = (inner: string): string => `<topology version="2.0"><object type="Machine">${inner}</object></topology>`;

describe('a topology', () => {
  for (const [name, counts] of Object.entries(COUNTS)) {
    it(`is read of the machine ${name}, and prints its processors`, () => {
      const topology = machine(name);
      const types = ['Package', 'NUMANode', 'L3Cache', 'Core', 'PU'];
      expect(types.map((type) => objectsOf(topology, type).length)).to.deep.equal(counts);
      const text = formatTopology(topology);
      expect(text).to.include(`machine: ${counts[4]} processors, ${counts[3]} cores`);
      expect(text.match(/\bcore \d+:/g)).to.have.length(counts[3] ?? 0);
    });
  }

  it('is the same of hwloc 3 as of hwloc 2, where a device may be of several types', () => {
    const text = (version: string, types: readonly number[]): string =>
      `<topology version="${version}"><object type="Machine" os_index="0" cpuset="0x1" allowed_cpuset="0x1" id="obj1" gp_index="1">
        <object type="NUMANode" os_index="0" cpuset="0x1" nodeset="0x1" local_memory="1024" id="obj2" gp_index="2"/>
        <object type="PU" os_index="0" cpuset="0x1" id="obj3" gp_index="3"/>
        <object type="PCIDev" pci_busid="0000:3b:00.0" pci_type="0302 [10de:20b0] [10de:134f] a1 00" id="obj4" gp_index="4">
          ${['nvml0', 'cuda0', 'card0'].map((name, at) => `<object type="OSDev" name="${name}" osdev_type="${types[at]}"/>`).join('')}
        </object>
        ${['ib0', 'mlx5_0', 'sda', 'dax0.0', 'dma0'].map((name, at) => `<object type="OSDev" name="${name}" osdev_type="${types[at + 3]}"/>`).join('')}
      </object><memtier nodeset="0x1"/><info name="hwlocVersion" value="${version}"/></topology>`;
    // GPU and co-processor, co-processor and GPU, GPU; network, OpenFabrics and network, storage, memory and storage, DMA.
    const three = readTopology(text('3.0', [12, 12, 4, 16, 48, 1, 3, 64]));
    expect(three).to.deep.equal(readTopology(text('2.0', [1, 5, 1, 2, 3, 0, 0, 4])));
    expect(devicesOf(three, 'gpu').map(({ name }) => name)).to.deep.equal(['cuda0']);
    expect(devicesOf(three, 'network').map(({ name }) => name)).to.deep.equal(['ib0', 'mlx5_0']);
    for (const name of Object.keys(COUNTS)) {
      const newer = readFileSync(`${MACHINES}/${name}.xml`, 'utf8').replace(/(<topology version=")[^"]*/, '$13.0');
      expect(objectsOf(readTopology(newer), 'PU')).to.deep.equal(objectsOf(machine(name), 'PU'));
    }
  });

  it('is immutable, and equal when the text is', () => {
    const topology = machine('uneven-gpus');
    expect(isDeepStrictEqual(topology, machine('uneven-gpus'))).to.equal(true);
    expect(isDeepStrictEqual(topology, machine('small-cgroup'))).to.equal(false);
    expect(() => (topology.allowed as number[]).push(7)).to.throw(TypeError);
    expect(() => ((topology.machine.children[0] as { type: string }).type = 'x')).to.throw(TypeError);
  });

  it('tells which processors are allowed, and which are there besides', () => {
    const topology = machine('small-cgroup');
    expect(topology.allowed).to.deep.equal([2, 3, 4, 5]);
    expect(topology.complete).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(formatTopology(topology)).to.include('allowed: processors 2-5 of 0-9');
  });

  it('tells the kinds of cores apart, where there are several', () => {
    expect(machine('hybrid').kinds).to.deep.equal([
      { name: 'IntelAtom', cpus: [8, 10, 12, 14] },
      { name: 'IntelCore', cpus: [0, 1, 2, 3, 4, 5, 6, 7] },
    ]);
    expect(machine('virtual-machine').kinds, 'one kind is no kind').to.deep.equal([]);
  });

  it('knows GPUs by their cards, one for each whatever names it has, and not what only shows a picture', () => {
    const gpus = devicesOf(machine('uneven-gpus'), 'gpu');
    expect(gpus.map(({ name, pciAddress }) => `${name} ${pciAddress}`)).to.deep.equal([
      'cuda0 0000:11:00.0',
      'cuda1 0000:12:00.0',
      'cuda2 0000:21:00.0',
      'cuda3 0000:81:00.0',
    ]);
    expect(gpus[3]).to.deep.include({ names: ['cuda3', 'card4', 'renderD131', 'nvml3'], cpus: [4, 5, 6, 7] });
  });

  it('knows accelerators that no driver names, and network interfaces on no bus', () => {
    const topology = machine('gpu-without-driver');
    expect(devicesOf(topology, 'gpu').map(({ name }) => name)).to.deep.equal(['0000:41:00.0']);
    expect(devicesOf(topology, 'network').map(({ name, pciAddress }) => [name, pciAddress])).to.deep.equal([
      ['ccw0', undefined],
    ]);
  });

  it('believes the processors that are in an object, not what it says of itself', () => {
    const lie = wrap(`<object type="Core" os_index="0" cpuset="0x000000ff">${PU}</object>`);
    expect(objectsOf(readTopology(lie), 'Core')[0]?.cpus).to.deep.equal([0]);
  });

  it('is read of any tree', () => {
    fc.assert(
      fc.property(randomMachines, ({ xml, cpus }) => {
        const topology = readTopology(xml);
        expect(topology.machine.cpus).to.deep.equal(cpus);
        expect(topology.allowed).to.deep.equal(cpus);
      }),
    );
  });
});

describe('what is no topology', () => {
  const bad: Readonly<Record<string, readonly [xml: string, says: string]>> = {
    'an empty text': ['', 'not well-formed XML'],
    'no XML': ['pack:2 core:4', 'not well-formed XML'],
    'another document': ['<html/>', 'its root is <html>'],
    'half a document': ['<topology version="2.0"><object type="Machine">', 'not well-formed XML'],
    'crossed elements': ['<topology><object></topology></object>', 'line 1'],
    'hwloc 1': ['<topology><object type="System"/></topology>', 'lstopo-no-graphics -i FILE'],
    'a newer version': ['<topology version="4.0"/>', 'version 4.0, which is newer'],
    'no machine': ['<topology version="2.0"/>', 'one Machine'],
    'two machines': [
      `<topology version="2.0">${`<object type="Machine">${PU}</object>`.repeat(2)}</topology>`,
      'one Machine',
    ],
    'no processor': [wrap('<object type="Core"/>'), 'no processor'],
    'two processors of one number': [wrap(PU + PU), 'the same os_index'],
    'a processor without number': [wrap('<object type="PU"/>'), 'no os_index'],
    'a processor beyond all numbers': [wrap('<object type="PU" os_index="65536"/>'), 'from 0 to 65535'],
    'a number that is none': [wrap(`<object type="Core" os_index="-1">${PU}</object>`), 'os_index="-1"'],
    'a set that is none': [wrap(`<object type="NUMANode" cpuset="all"/>${PU}`), 'cpuset="all"'],
    'a set without end': [wrap(`<object type="NUMANode" cpuset="0xf...f"/>${PU}`), 'no finite set'],
    'a tree that is too deep': [wrap('<object>'.repeat(10_000)), `nested deeper than ${limits.topologyDepth}`],
    'entities that grow': [
      `<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><topology version="&b;"/>`,
      'not well-formed XML',
    ],
  };

  for (const [what, [xml, says]] of Object.entries(bad)) {
    it(`is refused: ${what}`, () => {
      expect(() => readTopology(xml, 'machine.xml'))
        .to.throw(ConfigError, says)
        .with.property('message')
        .includes('machine.xml');
    });
  }

  it('is refused when it is too long, before any of it is read', () => {
    expect(() => readTopology(' '.repeat(limits.topologyXmlBytes + 1))).to.throw(
      ConfigError,
      'the limit for a topology',
    );
  });

  it('never leads to another error, whatever is cut out of a good one', () => {
    const { xml } = fc.sample(randomMachines, { numRuns: 1, seed: 7 })[0] ?? { xml: '' };
    fc.assert(
      fc.property(fc.nat({ max: xml.length }), fc.nat({ max: 40 }), (from, length) => {
        try {
          readTopology(xml.slice(0, from) + xml.slice(from + length));
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
