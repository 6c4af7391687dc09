import { expect } from 'chai';
import type { Launcher } from '#src/actors/services/index.js';
import { RefusedError } from '#src/errors.js';
import { globalServicesInputCUid, launcherBackendCUid } from '#src/ids/index.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection as rejection } from '../../support/rejection.js';
import { SimulatedRun } from './simulated-run.js';

const { PROCESS, GROUP, NODE, POOL } = v1.ResourceKind;
const { ALIVE, ENDED } = v1.ProcessState;
const program = v1.ProcessToStart.create({ module: 'file:///program.js' });
const byName = (kind: v1.ResourceKind, name: string) =>
  v1.ResourceToQuery.create({ kind, which: { case: 'name', value: name } });

describe('global services that follow others, on virtual time', () => {
  let run: SimulatedRun;
  let launcher: Launcher;

  async function up(nodes: number): Promise<void> {
    run = new SimulatedRun({ nodes, hasStore: true });
    launcher = await run.open();
    await launcher.up();
  }

  afterEach(async () => {
    expect(await launcher.down()).to.deep.equal([]);
    expect([...run.alive]).to.deep.equal([]);
    await run.close();
  });

  /** The node whose global services serve. */
  function serving(): number {
    const { address = '' } = launcher.services.place ?? {};
    return Number(/services-(\d+)/.exec(address)?.[1]);
  }

  async function kill(): Promise<void> {
    const before = launcher.services.place;
    run.crashServices(serving());
    while (launcher.services.place === before || launcher.services.place === undefined) await pass(10);
  }

  const pass = (ms: number): Promise<void> => new Promise((resolve) => void run.scheduler.setTimer(ms, resolve));

  it('know the processes, groups, nodes and pools, and go on with all requests, each time that they are killed', async () => {
    await up(4);
    const ids: bigint[] = [];
    let tag = 0n;
    const create = (name: string, node: number) =>
      launcher.services.ask((services) =>
        services.create({ kind: PROCESS, name, node, process: program, tag: BigInt(ids.length + 1) }),
      );
    for (let round = 0; round < 4; round += 1) {
      const { id } = await create(`round-${round}`, round);
      ids.push(id);
      await launcher.services.ask((services) =>
        services.create({ kind: GROUP, name: `group-${round}`, members: ids, tag: ++tag }),
      );
      await kill();
      for (const [index, each] of ids.entries()) {
        const found = await launcher.services.ask((services) => services.query(byName(PROCESS, `round-${index}`)));
        expect(found).to.include({ id: each, node: index, state: ALIVE });
        const group = await launcher.services.ask((services) => services.query(byName(GROUP, `group-${index}`)));
        expect(group.members).to.deep.equal(ids.slice(0, index + 1));
      }
    }
    expect(new Set(ids).size).to.equal(4);
    expect([...ids].sort((one, other) => (one < other ? -1 : 1))).to.deep.equal(ids);
    const { resources: nodes } = await launcher.services.ask((services) => services.list({ kind: NODE }));
    expect(nodes.map(({ name }) => name)).to.deep.equal(['node-0', 'node-1', 'node-2', 'node-3']);
    expect((await launcher.services.ask((services) => services.list({ kind: POOL }))).resources).to.have.length(8);
    const taken = await rejection(
      launcher.services.ask((services) => services.create({ kind: PROCESS, name: 'round-0' })),
    );
    expect(taken.message).to.match(/"round-0" is that of/);
    await launcher.services.ask((services) => services.kill({ resource: byName(GROUP, 'group-1'), signal: 'SIGUSR1' }));
    const ended = await launcher.services.ask((services) =>
      services.join(byName(GROUP, 'group-1'), { timeoutMs: 60_000 }),
    );
    expect(ended.members).to.have.length(2);
    await launcher.services.ask((services) =>
      services.destroy({ resource: byName(GROUP, 'group-3'), patienceMs: 100 }),
    );
    await kill();
    const gone = await rejection(launcher.services.ask((services) => services.query(byName(GROUP, 'group-3'))));
    expect(gone.message).to.match(/no group "group-3"/);
    const { exit } = await launcher.services.ask((services) => services.query(byName(PROCESS, 'round-0')));
    expect(exit).to.include({ signal: 'SIGUSR1' });
  });

  it('create once for a request that those before them may have executed, and answer a join that waited meanwhile', async () => {
    await up(2);
    const request = { kind: PROCESS, name: 'once', node: 1, process: program, tag: 1n };
    const joined = launcher.services.ask((services) => services.join(byName(PROCESS, 'once'), { timeoutMs: 60_000 }));
    const creating = launcher.services.ask((services) => services.create(request, { timeoutMs: 60_000 }));
    while (run.processes.length === 0) await pass(0.1);
    await kill();
    const { id } = await creating;
    expect(run.processes).to.have.length(1);
    expect(await launcher.services.ask((services) => services.create(request))).to.include({ id, state: ALIVE });
    run.processes[0]?.exit(3);
    expect((await joined).exit).to.include({ code: 3 });
  });

  it('hear of a process that ended while nobody served', async () => {
    await up(3);
    await launcher.services.ask((services) =>
      services.create({ kind: PROCESS, name: 'short', node: 2, process: program }),
    );
    const before = launcher.services.place;
    run.crashServices(serving());
    while (launcher.services.place === before) await pass(1);
    expect(launcher.services.place).to.equal(undefined);
    run.processes[0]?.exit(5);
    const ended = await launcher.services.ask((services) =>
      services.join(byName(PROCESS, 'short'), { timeoutMs: 60_000 }),
    );
    expect(ended).to.include({ state: ENDED });
    expect(ended.exit).to.include({ code: 5 });
  });

  it('have a guest, too, and its processes', async () => {
    await up(1);
    launcher.openToGuests({
      startWorker: async ({ index }) => {
        const request = { kind: PROCESS, name: `worker-${index}`, node: index, process: program };
        await launcher.services.ask((services) => services.create(request));
        return { process: request.name, ended: new Promise(() => {}) };
      },
      joined: () => {},
      left: () => {},
      lost: () => {},
    });
    const { guests, hostId } = await run.join('late', 1);
    await guests.settle({ hostId }, { timeoutMs: 60_000 });
    await kill();
    expect(await launcher.services.ask((services) => services.query(byName(NODE, 'late')))).to.include({ node: 1 });
    expect(await launcher.services.ask((services) => services.query(byName(PROCESS, 'worker-1')))).to.include({
      state: ALIVE,
    });
  });

  it('keep a group that was created, and none that was not, when the store fails', async () => {
    await up(1);
    const create = (name: string, tag: bigint) =>
      launcher.services.ask((services) => services.create({ kind: GROUP, name, tag }));
    const { id } = await create('kept', 1n);
    run.failing.push('process-groups');
    expect((await create('kept', 1n)).id).to.equal(id);
    expect(run.failing).to.deep.equal(['process-groups']);
    const twice = await Promise.allSettled([create('lost', 2n), create('lost', 2n)]);
    expect(twice.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    expect(run.failing).to.deep.equal([]);
    await kill();
    const { resources } = await launcher.services.ask((services) => services.list({ kind: GROUP }));
    expect(resources.map((group) => [group.id, group.name])).to.deep.equal([[id, 'kept']]);
    expect((await create('kept', 1n)).id).to.equal(id);
    expect((await create('lost', 2n)).name).to.equal('lost');
  });

  it('take over when a node that did not answer is gone, are asked nothing before, and take over once', async () => {
    await up(1);
    launcher.openToGuests({
      startWorker: async ({ index }) => ({ process: `worker-${index}`, ended: new Promise(() => {}) }),
      joined: () => {},
      left: () => {},
      lost: () => {},
    });
    const cut = await run.join('cut', 1);
    const other = await run.join('other', 2);
    for (const { guests, hostId } of [cut, other]) await guests.settle({ hostId }, { timeoutMs: 60_000 });
    const found = launcher.services.ask((services) => services.list({ kind: NODE }));
    expect((await found).resources).to.have.length(3);
    run.network.partition(['services-0'], ['cut']);
    run.crashServices(0);
    run.services = '';
    while (run.services === '') await pass(100);
    await pass(25_000);
    expect(launcher.services.place).to.equal(undefined);
    const early = other.asks.reference(v1.GlobalServices, run.services, globalServicesInputCUid);
    const refused = await rejection(early.list({ kind: NODE }));
    expect(refused).to.be.instanceOf(RefusedError).and.include({ reason: 'NOT_SERVING' });
    const waiting = launcher.services.ask((services) => services.list({ kind: NODE }));
    cut.kill();
    const { resources } = await waiting;
    expect(resources.map(({ name }) => name)).to.deep.equal(['node-0', 'other']);
    await launcher.services.services?.takeOver({ nodes: [v1.JoinedNode.create({ index: 9, name: 'nine' })] });
    const { resources: after } = await launcher.services.ask((services) => services.list({ kind: NODE }));
    expect(after.map(({ name }) => name)).to.deep.equal(['node-0', 'other']);
  });

  it('are asked again when they refuse since they have not taken over', async () => {
    await up(1);
    let asked = 0;
    const answer = await launcher.services.ask(async () => {
      asked += 1;
      if (asked < 3) throw new RefusedError('ask again', { reason: 'NOT_SERVING' });
      return 'answer';
    });
    expect(answer).to.equal('answer');
    const other = launcher.services.ask(() => Promise.reject(new RefusedError('no', { reason: 'OTHER' })));
    expect(await rejection(other)).to.include({ reason: 'OTHER' });
  });

  it('hear of an exit, also where a node is welcomed to those before them by an order that comes late', async () => {
    await up(2);
    const create = { kind: PROCESS, name: 'short', node: 0, process: program };
    await launcher.services.ask((services) => services.create(create));
    const globalServices = launcher.services.place;
    await kill();
    launcher.openToGuests({
      startWorker: async () => ({ process: 'worker', ended: new Promise(() => {}) }),
      joined: () => {},
      left: () => {},
      lost: () => {},
    });
    const { asks } = await run.join('late', 2);
    const node = launcher.describe().nodes?.[0]?.address ?? '';
    const order = { step: v1.Step.WELCOME, nodes: 2, patienceMs: 1_000, globalServices };
    await asks.reference(v1.Backend, node, launcherBackendCUid(0)).perform(order);
    run.processes[0]?.exit(5);
    const { exit } = await launcher.services.ask((services) =>
      services.join(byName(PROCESS, 'short'), { timeoutMs: 20_000 }),
    );
    expect(exit).to.include({ code: 5 });
  });

  for (const nodes of [1, 100]) {
    it(`have few messages a node when they follow others, with ${nodes} nodes`, async () => {
      await up(nodes);
      const before = run.frames;
      const startedMs = run.scheduler.now();
      await kill();
      expect((run.frames - before) / (nodes + 30)).to.be.lessThan(12);
      expect(run.scheduler.now() - startedMs).to.be.lessThan(15_000);
    });
  }
});
