import { expect } from 'chai';
import fc from 'fast-check';
import { ManagedProcesses } from '#src/actors/services/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { globalServicesInputCUid, processBands } from '#src/ids/index.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection as rejection } from '../../support/rejection.js';
import { SimulatedRun } from './simulated-run.js';

const { PROCESS, CHANNEL, POOL, GROUP, NODE } = v1.ResourceKind;
const { ENDED, ALIVE, STARTING } = v1.ProcessState;
const program = v1.ProcessToStart.create({ module: 'file:///program.js' });

describe('global services, on virtual time', () => {
  let run: SimulatedRun;
  let services: ActorRef<typeof v1.GlobalServices>;

  beforeEach(async () => {
    run = new SimulatedRun({ nodes: 3 });
    const launcher = await run.open();
    await launcher.up();
    if (launcher.globalServices === undefined) throw new Error('The run is not up.');
    services = launcher.globalServices;
  });

  afterEach(async () => {
    await run.launcher.down();
    await run.close();
  });

  const byName = (kind: v1.ResourceKind, name: string) =>
    v1.ResourceToQuery.create({ kind, which: { case: 'name', value: name } });

  it('find a process by its p_uid and by its name', async () => {
    const { id } = await services.create({ kind: PROCESS, name: 'one', node: 1, process: program });
    expect(await services.query(byName(PROCESS, 'one'))).to.include({ id, node: 1, state: ALIVE });
    expect(await services.query({ kind: PROCESS, which: { case: 'id', value: id } })).to.include({ name: 'one' });
    expect((await rejection(services.query(byName(PROCESS, 'two')))).message).to.match(/no process "two"/);
  });

  it('create once for a request that is repeated, and refuse a name that is taken', async () => {
    const request = { tag: 1n, kind: PROCESS, name: 'one', process: program };
    const [first, second] = await Promise.all([services.create(request), services.create(request)]);
    expect(second.id).to.equal(first.id);
    expect(run.processes).to.have.length(1);
    expect((await rejection(services.create({ ...request, tag: 2n }))).message).to.match(/name "one" is that of/);
    run.processes[0]?.exit(0);
    await services.join(byName(PROCESS, 'one'));
    expect((await services.create({ ...request, tag: 3n })).id).to.equal(first.id + 1n);
    // Another sender has tags of its own, so it can take nobody's request.
    const asks = await run.stranger();
    const theirs = asks.reference(v1.GlobalServices, run.services, globalServicesInputCUid);
    const { id } = await theirs.create({ ...request, tag: 3n, name: 'theirs' });
    expect(id).to.equal(first.id + 2n);
    const group = { tag: 9n, kind: GROUP };
    expect((await theirs.create(group)).id).not.to.equal((await services.create(group)).id);
  });

  it('choose a name that nobody has for a process or a group without one', async () => {
    const names = ['process-1', 'process-2', ''];
    const processes = [];
    for (const name of names) processes.push(await services.create({ kind: PROCESS, name, process: program }));
    expect(new Set(processes.map(({ name }) => name)).size).to.equal(3);
    for (const { name, id } of processes) expect(await services.query(byName(PROCESS, name))).to.include({ id });
    const members = processes.map(({ id }) => id);
    const groups = [];
    for (const name of ['group-1', 'group-2', '', ''])
      groups.push(await services.create({ kind: GROUP, name, members }));
    expect(new Set(groups.map(({ name }) => name)).size).to.equal(4);
    for (const { name, id } of groups) expect(await services.query(byName(GROUP, name))).to.include({ id });
    expect((await services.create({ kind: GROUP, name: 'group-1', members })).id).to.equal(groups[0]?.id);
    const others = members.slice(1);
    const refused = await rejection(services.create({ kind: GROUP, name: 'group-1', members: others }));
    expect(refused.message).to.match(/"group-1" is that of another group/);
  });

  it('create a group without a name once for a request that is repeated', async () => {
    const request = { tag: 1n, kind: GROUP };
    const { id } = await services.create(request);
    expect((await services.create(request)).id).to.equal(id);
    expect((await services.create({ ...request, tag: 2n })).id).not.to.equal(id);
  });

  it('say what cannot be created, and on which node', async () => {
    for (const kind of [CHANNEL, POOL, NODE]) {
      expect((await rejection(services.create({ kind, name: 'x' }))).message).to.match(/create processes and groups/);
    }
    expect((await rejection(services.create({ kind: PROCESS, node: 9, process: program }))).message).to.match(
      /index 9/,
    );
  });

  it('join a process before it is there', async () => {
    const joined = services.join(byName(PROCESS, 'late'), { timeoutMs: 60_000 });
    await services.create({ kind: PROCESS, name: 'late', process: program });
    run.processes[0]?.exit(4);
    expect((await joined).exit).to.include({ code: 4 });
  });

  it('kill, join and destroy the processes of a group', async () => {
    const members: bigint[] = [];
    for (const node of [0, 1, 2]) members.push((await services.create({ kind: PROCESS, node, process: program })).id);
    await services.create({ kind: GROUP, name: 'all', members });
    const joined = services.join(byName(GROUP, 'all'), { timeoutMs: 60_000 });
    await services.kill({ resource: byName(GROUP, 'all'), signal: 'SIGUSR1' });
    expect((await joined).members).to.deep.equal(members);
    const { exit } = await services.query({ kind: PROCESS, which: { case: 'id', value: members[2] ?? 0n } });
    expect(exit).to.include({ signal: 'SIGUSR1' });
    await services.destroy({ resource: byName(GROUP, 'all'), patienceMs: 100 });
    expect((await rejection(services.query(byName(GROUP, 'all')))).message).to.match(/no group/);
  });

  it('send a signal to all members of a group, also where one of them does not take it, and say that', async () => {
    const members: bigint[] = [];
    for (const name of ['first', 'second', 'third']) {
      members.push((await services.create({ kind: PROCESS, name, process: program })).id);
    }
    await services.create({ kind: GROUP, name: 'all', members });
    run.refusing = 'first';
    const resource = byName(GROUP, 'all');
    expect((await rejection(services.kill({ resource, signal: 'SIGUSR1' }))).message).to.match(
      /cannot be sent SIGUSR1: that is not permitted/,
    );
    run.refusing = '';
    expect([...run.alive].filter((name) => name.endsWith('@0'))).to.deep.equal(['first@0']);
  });

  it('end a process whose start was not confirmed in time, and keep its name until then', async () => {
    const pass = (ms: number): Promise<void> => new Promise((resolve) => void run.scheduler.setTimer(ms, resolve));
    const request = { kind: PROCESS, name: 'cut', node: 1, process: program };
    const creating = rejection(services.create(request, { timeoutMs: 60_000 }));
    while (run.processes.length === 0) await pass(0.1);
    run.network.partition(['services-0'], ['node-1']);
    await creating;
    expect(run.alive.has('cut@1')).to.equal(true);
    expect(await services.query(byName(PROCESS, 'cut'))).to.include({ state: STARTING });
    expect((await rejection(services.create(request))).message).to.match(/name "cut" is that of/);
    run.network.heal();
    await services.join(byName(PROCESS, 'cut'), { timeoutMs: 60_000 });
    expect(run.alive.has('cut@1')).to.equal(false);
    expect(await services.create(request)).to.include({ state: ALIVE });
  });

  it('say of a process that they have forgotten that it has ended, and join a group that has it', async () => {
    const { id: first } = await services.create({ kind: PROCESS, process: program });
    const { id: second } = await services.create({ kind: PROCESS, process: program });
    await services.create({ kind: GROUP, name: 'both', members: [first, second] });
    run.processes[0]?.exit(0);
    for (let count = 0; count < limits.endedProcesses; count += 1) {
      await services.create({ kind: PROCESS, process: program });
      run.processes.at(-1)?.exit(0);
    }
    await services.join({ kind: PROCESS, which: { case: 'id', value: second + BigInt(limits.endedProcesses) } });
    const joining = services.join({ kind: PROCESS, which: { case: 'id', value: first } }, { timeoutMs: 60_000 });
    expect((await rejection(joining)).message).to.match(/has ended, and how is forgotten.*endedProcesses/);
    run.processes[1]?.exit(0);
    expect((await services.join(byName(GROUP, 'both'), { timeoutMs: 60_000 })).members).to.have.length(2);
  });

  it('destroy a process that ignores SIGTERM', async () => {
    run.isDeaf = true;
    await services.create({ kind: PROCESS, name: 'deaf', process: program });
    const { exit, state } = await services.destroy({ resource: byName(PROCESS, 'deaf'), patienceMs: 100 });
    expect(state).to.equal(ENDED);
    expect(exit).to.include({ signal: 'SIGKILL' });
  });

  it('list nodes with their addresses, and pools with their conventional ids', async () => {
    const { resources: nodes } = await services.list({ kind: NODE });
    expect(nodes.map(({ name }) => name)).to.deep.equal(['node-0', 'node-1', 'node-2']);
    expect(nodes.every(({ address }) => address !== '')).to.equal(true);
    const { resources: pools } = await services.list({ kind: POOL });
    expect(pools.map(({ id }) => id)).to.deep.equal([0n, 2n ** 61n, 1n, 2n ** 61n + 1n, 2n, 2n ** 61n + 2n]);
  });
});

describe('ManagedProcesses', () => {
  it('keeps an exit that overtakes the answer to the start', () => {
    const processes = new ManagedProcesses();
    const { process: created } = processes.create(
      v1.ResourceToCreate.create({ kind: PROCESS, name: 'fast' }),
      'a process',
    );
    expect(created.state).to.equal(STARTING);
    processes.exited(v1.ProcessExit.create({ pUid: created.id, code: 3 }));
    expect(processes.started(created.id, 77)).to.deep.include({ state: ENDED, pid: 77 });
  });

  it('leaves what it knows when it is restored again, and counts those that have ended once', () => {
    const processes = new ManagedProcesses(2n);
    const known = (pUid: bigint, exit?: v1.ProcessExit) => v1.KnownProcess.create({ pUid, name: `of-${pUid}`, exit });
    const first = processBands.managed.first;
    processes.restore(known(first), 0);
    processes.exited(v1.ProcessExit.create({ pUid: first, code: 3 }));
    processes.restore(known(first), 0);
    expect(processes.get(first)).to.include({ state: ENDED });
    const ended = Array.from({ length: limits.endedProcesses - 1 }, (_, index) => first + BigInt(index + 1));
    for (const pUid of [...ended, ...ended]) processes.restore(known(pUid, v1.ProcessExit.create({ pUid })), 0);
    expect(processes.all()).to.have.length(limits.endedProcesses);
  });

  it('counts the names that it chooses from 1, and says what is gone and how', () => {
    const processes = new ManagedProcesses(2n);
    const { first } = processBands.managed;
    processes.restore(v1.KnownProcess.create({ pUid: first, name: 'process-1' }), 0);
    const create = () => processes.create(v1.ResourceToCreate.create({ kind: PROCESS }), 'a process').process;
    const created = create();
    expect(created.name).to.equal('process-2');
    expect(processes.whyGone(first)).to.equal(undefined);
    expect(processes.whyGone(first + 1n)).to.match(/^was never created, or it has ended/);
    for (const pUid of [created.id, created.id + 1n]) expect(processes.whyGone(pUid)).to.equal(undefined);
    processes.exited(v1.ProcessExit.create({ pUid: created.id }));
    for (let count = 0; count < limits.endedProcesses; count += 1) {
      processes.exited(v1.ProcessExit.create({ pUid: create().id }));
    }
    expect(processes.whyGone(created.id)).to.match(/^has ended, and how is forgotten/);
  });

  it('has each process in one state, which never goes back, in whatever order its events arrive', () => {
    const event = fc.record({ of: fc.nat(4), what: fc.constantFrom('create', 'started', 'exited') });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const processes = new ManagedProcesses();
        const ids: bigint[] = [];
        const states = new Map<bigint, number>();
        for (const { of, what } of events) {
          if (what === 'create')
            ids.push(processes.create(v1.ResourceToCreate.create({ kind: PROCESS }), 'a process').process.id);
          const id = ids[of % Math.max(1, ids.length)];
          if (id === undefined) continue;
          if (what === 'started') processes.started(id, 1);
          if (what === 'exited') processes.exited(v1.ProcessExit.create({ pUid: id, code: 0 }));
          for (const { id: each, state } of processes.all()) {
            expect(state).to.be.at.least(states.get(each) ?? 0);
            states.set(each, state);
          }
        }
        expect(new Set(ids).size).to.equal(ids.length);
        expect(processes.alive().every(({ state }) => state !== ENDED)).to.equal(true);
      }),
    );
  });
});
