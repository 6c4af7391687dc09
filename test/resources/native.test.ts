import { execFileSync, spawnSync } from 'node:child_process';
import { availableParallelism, platform } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError, ResourceError } from '#src/errors.js';
import {
  bindMemory,
  describeSystem,
  machineProvider,
  pinThread,
  processAffinity,
  type PartitionStrategy,
  type System,
  syntheticTopology,
  threadAffinity,
} from '#src/resources/index.js';
import { objectsOf } from '#src/resources/topology/index.js';
import { describeWithHwloc } from './available.js';
import { pendingBecause } from '../support/pending.js';

const RESOURCES = new URL('../../../dist/resources/index.js', import.meta.url).href;

/** What a thread of its own says after it has run `body`, with the functions of resources as `r`. */
async function inThread(body: string): Promise<unknown> {
  const code = `import('${RESOURCES}').then((r) => { ${body} })
    .then((said) => said, (error) => error.name + ': ' + error.message)
    .then((said) => require('node:worker_threads').parentPort.postMessage(said));`;
  const worker = new Worker(code, { eval: true });
  try {
    return await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  } finally {
    await worker.terminate();
  }
}

describeWithHwloc('libhwloc', () => {
  it('describes this machine: as many processors as this process may use', () => {
    const system = machineProvider({ strategy: 'machine' });
    expect(system.notices).to.deep.equal([]);
    expect(system.cpus).to.deep.equal(machineProvider({}).cpus);
    expect(system.availableParallelism).to.equal(availableParallelism());
    expect(system.topology?.machine.cpus).to.include.members([...system.cpus]);
    const held = machineProvider({ strategy: 'core' }).hosts.flatMap(({ cpus }) => cpus);
    expect(held.toSorted((left, right) => left - right)).to.deep.equal(system.cpus);
  });

  it('makes machines of synthetic descriptions', () => {
    const topology = syntheticTopology('pack:2 [numa(memory=8GB)] l3:2 core:4 pu:2');
    const counts = ['Package', 'NUMANode', 'L3Cache', 'Core', 'PU'].map((type) => objectsOf(topology, type).length);
    expect(counts).to.deep.equal([2, 2, 4, 16, 32]);
    expect(describeSystem({ strategy: 'l3' }, { topology }).hosts.map(({ cpuset }) => cpuset)).to.deep.equal([
      '0-7',
      '8-15',
      '16-23',
      '24-31',
    ]);
  });

  it('makes machines that are divided without a rest, whatever they are', () => {
    const levels = fc.tuple(...[3, 2, 3, 4, 2].map((max) => fc.integer({ min: 1, max })));
    fc.assert(
      fc.property(levels, ([packages, nodes, caches, cores, threads]) => {
        const topology = syntheticTopology(`pack:${packages} numa:${nodes} l3:${caches} core:${cores} pu:${threads}`);
        for (const strategy of ['machine', 'package', 'numa', 'l3', 'core', 'count(3)'] satisfies PartitionStrategy[]) {
          const { hosts, cpus } = describeSystem({ strategy }, { topology });
          expect(new Set(hosts.flatMap((host) => host.cpus))).to.deep.equal(new Set(cpus));
          if (cpus.length >= 3) expect(hosts.flatMap((host) => host.cpus)).to.have.length(cpus.length);
        }
      }),
      { numRuns: 15 },
    );
  });

  for (const bad of ['', 'nonsense', 'pack:0', 'pack:2 core', 'pu:2 core:2', 'core:2 core:x']) {
    it(`refuses the synthetic description "${bad}"`, () => {
      expect(() => syntheticTopology(bad)).to.throw(ConfigError, 'is not a synthetic hwloc topology');
    });
  }

  it('is not asked for a machine that would fill the memory', () => {
    for (const big of ['pu:16385', 'pack:1000000 core:1000000 pu:2', '200 200', 'pack:2 [numa] 100 100']) {
      expect(() => syntheticTopology(big), big).to.throw(ConfigError, '16384');
    }
    expect(syntheticTopology('pack:2 [numa(memory=17179869184)] core:2 pu:1').machine.cpus).to.have.length(4);
  });

  it('binds the memory of a thread to NUMA nodes, and no other', async function () {
    const { hosts } = machineProvider({ strategy: 'machine' });
    const nodes = hosts[0]?.nodes ?? [];
    if (nodes.length === 0) pendingBecause(this, 'the kernel of this machine knows no NUMA');
    // Where there is one node this shows that the kernel takes the policy, not where memory then comes from.
    expect(await inThread(`r.bindMemory(${JSON.stringify(nodes)}); return 'bound'`)).to.equal('bound');
    expect(await inThread('r.bindMemory([1000])')).to.match(/^ResourceError: .*NUMA nodes 1000 failed with EINVAL/);
    bindMemory([]);
  });
});

/** What a process says of this machine's L3 caches in which the functions of koffi are others: `koffi` is the true one. */
function elsewhere(changed: string): { readonly plain: unknown; readonly system: System } {
  const script = `
    import Module from 'node:module';
    const load = Module._load;
    Module._load = (name, ...rest) => {
      const koffi = load(name, ...rest);
      return name === 'koffi' ? { ...koffi, decode: koffi.decode, ${changed} } : koffi;
    };
    const { machineProvider } = await import('${RESOURCES}');
    console.log(JSON.stringify({ plain: machineProvider({}).partitions, system: machineProvider({ strategy: 'l3' }) }));`;
  const words = ['--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as ReturnType<typeof elsewhere>;
}

describe('where libhwloc cannot be used', () => {
  /** What koffi does instead, and what the notice says. */
  const lacks: Readonly<Record<string, readonly [changed: string, says: RegExp]>> = {
    'it is not installed': [
      `load: () => { throw new Error('cannot open shared object file') }`,
      /libhwloc\.so\.15, not found\. Debian: apt-get install -y libhwloc15/,
    ],
    'it has another API': [
      `load: () => ({ func: () => () => 0x30000 })`,
      /libhwloc\.so\.15 has API version 0x30000; 0x2\.\.\.\. is needed/,
    ],
    'koffi has no binary for the machine': [
      'load: undefined',
      /npm package koffi cannot be loaded on .*npm install koffi/,
    ],
  };
  for (const [why, [changed, says]] of Object.entries(lacks)) {
    it(`because ${why}, a machine has its processors, and a notice says what to do`, () => {
      const { plain, system } = elsewhere(changed);
      expect(system.notices.join()).to.match(says);
      expect(system.partitions, 'one, with all processors').to.deep.equal(plain);
      expect(system).to.not.have.property('topology');
    });
  }
});

describe('pinning', () => {
  before(function () {
    if (platform() !== 'linux') pendingBecause(this, 'only Linux can pin threads');
  });

  it('binds the thread that asks for it to its processors, as the kernel says, and no other thread', async () => {
    const mine = threadAffinity();
    for (const cpu of processAffinity() ?? []) {
      expect(await inThread(`const found = r.pinThread([${cpu}]); return [found, r.threadAffinity()]`)).to.deep.equal([
        [cpu],
        [cpu],
      ]);
    }
    expect(threadAffinity()).to.deep.equal(mine);
  });

  it('holds for every processor of a plan', async () => {
    const cpus = machineProvider({ partitions: 1 }).partitions[0]?.cpus ?? [];
    expect(await inThread(`r.pinThread(${JSON.stringify(cpus)}); return r.threadAffinity()`)).to.deep.equal(cpus);
  });

  it('holds where /proc is not mounted', function () {
    if (spawnSync('unshare', ['-m', 'true']).status !== 0) pendingBecause(this, 'only root may unmount /proc');
    const [cpu = 0] = processAffinity() ?? [];
    const program = `import('${RESOURCES}').then((r) => console.log(r.pinThread([${cpu}]), r.threadAffinity()))`;
    const words = ['-m', 'sh', '-ec', 'umount -l /proc; exec "$@"', 'sh', process.execPath, '--eval', program];
    const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
    expect(stdout, stderr).to.equal(`[ ${cpu} ] undefined\n`);
  });

  it("is refused for processors that are not there, or not this process's", async () => {
    const first = processAffinity()?.[0] ?? 0;
    expect(await inThread('r.pinThread([4000])')).to.match(/^ResourceError: .*processors 4000 failed with EINVAL/);
    expect(await inThread(`r.pinThread([${first}, 4000])`)).to.match(/^ResourceError: .*cgroup/);
    expect(() => pinThread([])).to.throw(ResourceError, 'an empty set of processors');
  });
});
