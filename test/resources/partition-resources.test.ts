import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { memoryLogger, silentLogger } from '#src/logging/index.js';
import {
  describeSystem,
  hostOf,
  ownThread,
  partitionResources,
  processAffinity,
  readTopology,
  sharedThread,
  systemResources,
  type ThreadingResources,
} from '#src/resources/index.js';
import { ResourceStack } from '#src/resources/resource-stack.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';

const scheduler = new RealScheduler();

function transport(closed: string[] = []) {
  const network = new MemoryNetwork({ scheduler });
  const made = network.transport({ node: 'node-0', process: 'process-0' });
  const close = made.close.bind(made);
  return Object.assign(made, {
    close: () => {
      closed.push('network');
      return close();
    },
  });
}

describe('the resources of a partition', () => {
  const system = describeSystem({ partitions: 2, engineGroups: { parse: 1 } }, { availableParallelism: 4 });
  const [plan] = system.partitions;
  if (plan === undefined) throw new Error('there is a partition');
  const host = hostOf(system, plan);

  it('are made in their order, and closed in the reverse of it, once', async () => {
    const closed: string[] = [];
    const threading: ThreadingResources = { ...sharedThread(), close: async () => void closed.push('threading') };
    const resources = partitionResources({
      plan,
      host,
      threading,
      scheduler,
      transport: (native) => {
        expect(native.libraries).to.deep.equal([]);
        return transport(closed);
      },
      log: silentLogger,
    });
    expect(Object.keys(resources).slice(1, -1)).to.deep.equal([
      'threading',
      'runnable',
      'native',
      'host',
      'device',
      'network',
    ]);
    expect(resources.runnable.main()).to.equal(scheduler);
    expect(resources.runnable.group('parse').concurrency).to.equal(1);
    expect(() => resources.runnable.group('render')).to.throw(ConfigError, 'names main, parse');
    expect(resources.host).to.deep.equal({ host: 0, boundTo: [] });
    expect(resources.device).to.equal(undefined);
    await resources.close();
    await resources.close();
    expect(closed).to.deep.equal(['network', 'threading']);
  });

  it('have the device of their plan', () => {
    const xml = readFileSync(
      new URL('../../../test/resources/topology/machines/uneven-gpus.xml', import.meta.url),
      'utf8',
    );
    const machine = describeSystem({ strategy: 'numa' }, { topology: readTopology(xml, 'uneven-gpus.xml') });
    const threading = sharedThread();
    const common = { threading, scheduler, transport: () => transport(), log: silentLogger };
    const { partitions } = systemResources({ system: machine, plans: machine.partitions, ...common });
    expect(partitions.map(({ device }) => device?.gpu.name)).to.deep.equal(
      machine.partitions.map(({ gpu }) => gpu?.name),
    );
    expect(partitions.some(({ device }) => device !== undefined)).to.equal(true);
  });

  it('close all even where one fails to, and say what failed first', async () => {
    const closed: string[] = [];
    const made = new ResourceStack();
    made.add({ close: () => void closed.push('first') });
    made.add({ close: () => Promise.reject(new Error('second')) });
    made.add({ open: true });
    made.add({ close: () => Promise.reject(new Error('fourth')) });
    const failure: unknown = await made.close().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(String(failure)).to.equal('Error: fourth');
    expect(closed).to.deep.equal(['first']);
  });
});

describe('the thread of a partition', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const module = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  };
  const words = (): unknown => Reflect.get(globalThis, 'threadWords');
  const plan = { index: 3, host: 0, cpus: processAffinity() ?? [0], cpuset: '', nodes: [] };

  it('is readied by initializers in their order, and undone in the reverse of it', async () => {
    Reflect.set(globalThis, 'threadWords', []);
    const say = (word: string) => `globalThis.threadWords.push('${word} ' + plan.index)`;
    const initializers = ['a', 'b'].map((name) =>
      module(
        `${name}.mjs`,
        `export const initialize = (plan) => { ${say(`+${name}`)} };\nexport async function finalize(plan) { ${say(`-${name}`)} }`,
      ),
    );
    const thread = await ownThread({ plan, initializers, log: silentLogger });
    expect(words()).to.deep.equal(['+a 3', '+b 3']);
    expect(thread.pinned).to.deep.equal(processAffinity() ?? []);
    await thread.close();
    await thread.close();
    expect(words()).to.deep.equal(['+a 3', '+b 3', '-b 3', '-a 3']);

    const throwing = module('c.mjs', `export const initialize = () => { throw new Error('no licence'); };`);
    const failing = ownThread({ plan, initializers: [...initializers, throwing], log: silentLogger });
    expect(String(await failing.catch((error: unknown) => error))).to.equal('Error: no licence');
    expect(words()).to.deep.equal(['+a 3', '+b 3', '-b 3', '-a 3', '+a 3', '+b 3', '-b 3', '-a 3']);
  });

  it('says which initializer is none', async () => {
    for (const [url, why] of [
      [pathToFileURL(join(folder, 'missing.mjs')).href, 'cannot be loaded'],
      [module('empty.mjs', 'export const x = 1;'), 'neither a function initialize nor a function finalize'],
    ] as const) {
      const error: unknown = await ownThread({ plan, initializers: [url], log: silentLogger }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes(why);
    }
  });

  it('goes on unpinned, and says so, where it cannot be pinned', async () => {
    const log = memoryLogger();
    const thread = await ownThread({ plan: { ...plan, cpus: [1_000] }, initializers: [], log });
    expect(thread.pinned).to.deep.equal([]);
    expect(log.records.map(({ message }) => message)).to.deep.equal([
      'the thread of a partition is not pinned as planned',
    ]);
  });
});
