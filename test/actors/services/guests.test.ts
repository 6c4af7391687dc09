import { expect } from 'chai';
import { guestsCUid, stepInfo } from '#src/actors/services/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { backendFrontendCUid, globalServicesInputCUid, shepherdCUid } from '#src/ids/index.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection as rejection } from '../../support/rejection.js';
import { SimulatedRun, VERSION } from './simulated-run.js';

const { PROCESS, NODE } = v1.ResourceKind;
const program = v1.ProcessToStart.create({ module: 'file:///worker.js' });

const STATES = ['unknown', 'STARTING', 'ALIVE', 'ENDED'];

describe('a host that joins a run, on virtual time', () => {
  let run: SimulatedRun;
  let services: ActorRef<typeof v1.GlobalServices>;
  let events: string[];

  async function up(options: Partial<ConstructorParameters<typeof SimulatedRun>[0]> = {}): Promise<void> {
    run = new SimulatedRun({ nodes: 2, ...options });
    events = [];
    const launcher = await run.open();
    await launcher.up();
    if (launcher.globalServices === undefined) throw new Error('The run is not up.');
    services = launcher.globalServices;
    launcher.openToGuests({
      startWorker: async ({ index: node }) => {
        const { id, name } = await services.create({ kind: PROCESS, name: `worker-${node}`, node, process: program });
        const ended = services.join({ kind: PROCESS, which: { case: 'id', value: id } }, { timeoutMs: 1e6 });
        return {
          process: name,
          ended: ended.then(
            ({ exit }) => `exit code ${exit?.code}`,
            () => 'nobody knows',
          ),
        };
      },
      joined: (node) => events.push(`${node} joined`),
      left: (node) => events.push(`${node} left`),
      lost: ({ node, process, cause }) => events.push(`${process} of ${node} lost: ${cause}`),
    });
  }

  afterEach(() => run.close());

  async function processes(): Promise<string[]> {
    const { resources } = await services.list({ kind: PROCESS });
    return resources.map(({ name, node, state }) => `${name}@${node} ${STATES[state]}`);
  }

  async function nodes(): Promise<string[]> {
    const { resources } = await services.list({ kind: NODE });
    return resources.map(({ name }) => name);
  }

  it('has a node with a worker, which the launcher and global services know, and whose output is shown', async () => {
    await up();
    const { guests, hostId } = await run.join('late', 2);
    expect(await guests.settle({ hostId })).to.include({ index: 2, process: 'worker-2' });
    await guests.admit({ hostId, node: 'late', secret: 'any' });
    expect(run.launcher.describe().nodes?.map(({ index, name }) => `${index} ${name}`)).to.deep.equal([
      '0 node-0',
      '1 node-1',
      '2 late',
    ]);
    expect(run.launcher.topologies().at(-1)?.topology?.text).to.equal('machine of node 2');
    expect(await nodes()).to.deep.equal(['node-0', 'node-1', 'late']);
    expect(await processes()).to.deep.equal(['worker-2@2 ALIVE']);
    await run.processes[0]?.write('hello');
    expect(run.output).to.deep.equal(['late worker-2: hello']);
    await services.create({ kind: PROCESS, name: 'other', node: 2, process: program });
    expect(run.alive).to.include('other@2');
    await run.launcher.down();
  });

  it('goes down with the run, step by step, and is told why', async () => {
    await up();
    const { guests, hostId, ended } = await run.join('late', 2);
    await guests.settle({ hostId });
    const parting = guests.parting({ hostId });
    expect(await run.launcher.down()).to.deep.equal([]);
    expect(await parting).to.include({ cause: 'the run was torn down', isLost: false });
    expect((await ended).cause).to.equal('it ended with exit code 0');
    expect([...run.alive]).to.deep.equal([]);
    expect(events).to.deep.equal(['late joined']);
  });

  it('goes in order when it wants to, and the run goes on; the next one has another index', async () => {
    await up();
    const first = await run.join('late', 2);
    await first.guests.settle(first);
    const parting = first.guests.parting(first);
    await run.processes[0]?.write('hello');
    await first.guests.leave(first);
    expect(await parting).to.include({ isLost: false });
    expect((await first.ended).cause).to.equal('it ended with exit code 0');
    const second = await run.join('later', 3);
    expect(await second.guests.settle(second)).to.include({ index: 3, process: 'worker-3' });
    expect(run.output).to.deep.equal(['late worker-2: hello', 'late ended']);
    expect(await nodes()).to.deep.equal(['node-0', 'node-1', 'later']);
    expect(await processes()).to.deep.equal(['worker-2@2 ENDED', 'worker-3@3 ALIVE']);
    expect(events).to.deep.equal(['late joined', 'late left', 'later joined']);
    expect((await rejection(first.guests.settle(first))).message).to.match(/no part of the run/);
    await run.launcher.down();
  });

  it('is told once why it has to go, however often it has asked: a later question takes the place of an earlier one', async () => {
    await up();
    const { guests, hostId } = await run.join('late', 2);
    await guests.settle({ hostId });
    const first = rejection(guests.parting({ hostId }));
    const second = guests.parting({ hostId });
    expect(await first).to.include({ code: 'HANDLER', handlerCode: 'ASK_TIMEOUT' });
    await guests.leave({ hostId });
    expect(await second).to.include({ cause: 'it was told to leave' });
    await run.launcher.down();
  });

  it('is spoken for by its own process alone, and so are the launcher and the other nodes', async () => {
    await up();
    const { guests, hostId } = await run.join('late', 2);
    await guests.settle({ hostId });
    const { asks, guests: strange } = await run.join('other', 3);
    const { resources } = await services.list({ kind: PROCESS });
    const pUid = resources[0]?.id ?? 0n;
    const { nodes: places = [] } = run.launcher.describe();
    const theirs = asks.reference(v1.GlobalServices, run.services, globalServicesInputCUid);
    const shepherd = asks.reference(v1.Shepherd, places[0]?.address ?? '', shepherdCUid(0));
    const frontend = asks.reference(v1.Launcher, run.launcherAddress, backendFrontendCUid(hostId));
    const theirPlace = { address: asks.address, controlPlane: asks.address };
    const forged = {
      'Guests.admit': () => strange.admit({ hostId, node: 'late', secret: 'any' }),
      'Guests.leave': () => strange.leave({ hostId }),
      'Guests.settle': () => strange.settle({ hostId }),
      'Guests.parting': () => strange.parting({ hostId }),
      'GlobalServices.exited': () => theirs.exited({ pUid, code: 3 }),
      'GlobalServices.nodeJoined': () => theirs.nodeJoined({ index: 9, name: 'nine', address: asks.address }),
      'GlobalServices.nodeLeft': () => theirs.nodeLeft({ index: 2, cause: 'a word' }),
      'Shepherd.globalServicesUp': () => shepherd.globalServicesUp({ secret: 'guessed', place: theirPlace }),
      'Shepherd.globalServicesStandBy': () => shepherd.globalServicesStandBy({}),
      'Launcher.backendIsUp': () => frontend.backendIsUp({ hostId, address: asks.address, version: VERSION }),
      'Launcher.output': () => frontend.output({ process: 'late', text: Buffer.from('forged') }),
      'Launcher.records': () => frontend.records({ records: [{ process: 'late', level: 'info', message: 'forged' }] }),
      'Launcher.failed': () => frontend.failed({ node: 2, part: 'worker', cause: 'forged' }),
    };
    for (const [what, send] of Object.entries(forged)) {
      expect(await rejection(send()), what).to.include({ code: 'HANDLER', handlerCode: 'PROTOCOL' });
    }
    expect((await processes())[0]).to.equal('worker-2@2 ALIVE');
    expect((await nodes()).slice(0, 3)).to.deep.equal(['node-0', 'node-1', 'late']);
    expect(run.output.join()).to.not.include('forged');
    await run.launcher.down();
  });

  it('greets with a secret that only it has: who is first without it is refused, and neither heard nor in its way', async () => {
    await up();
    const asks = await run.stranger();
    const hostId = 11n;
    const guests = asks.reference(v1.Guests, run.launcherAddress, guestsCUid);
    expect(await rejection(guests.admit({ hostId, node: 'late' }))).to.include({ handlerCode: 'PROTOCOL' });
    await guests.admit({ hostId, node: 'late', secret: 'of late' });
    const frontend = asks.reference(v1.Launcher, run.launcherAddress, backendFrontendCUid(hostId));
    const { address } = asks;
    for (const secret of ['', 'of lat', 'of latr', 'of late and more']) {
      const error = await rejection(frontend.backendIsUp({ hostId, address, version: VERSION, secret }));
      expect(error, secret).to.include({ code: 'HANDLER', handlerCode: 'PROTOCOL' });
      expect(error.message).to.match(/does not have the secret/);
    }
    const early = frontend.output({ process: 'late', text: Buffer.from('forged') });
    expect((await rejection(early)).message).to.match(/has not greeted yet/);
    await frontend.backendIsUp({ hostId, address, version: VERSION, secret: 'of late' });
    await run.launcher.down();
  });

  it('is lost when its process is killed: its worker is known to have ended, and the run goes on', async () => {
    await up();
    const { guests, hostId, kill } = await run.join('late', 2);
    await guests.settle({ hostId });
    const worker = services.join({ kind: PROCESS, which: { case: 'name', value: 'worker-2' } }, { timeoutMs: 1e6 });
    kill();
    expect((await worker).exit?.failure).to.equal('it has left the run');
    expect(events[1]).to.match(/^worker-2 of late lost: its process has ended/);
    expect(await nodes()).to.deep.equal(['node-0', 'node-1']);
    expect(run.alive).to.include('node-1');
    expect(await run.launcher.down()).to.deep.equal([]);
  });

  it('goes when its worker has ended by itself, and is told that this is a loss', async () => {
    await up();
    const { guests, hostId, ended } = await run.join('late', 2);
    await guests.settle({ hostId });
    const parting = guests.parting({ hostId });
    run.processes[0]?.exit(7);
    expect(await parting).to.include({ isLost: true });
    await ended;
    expect(events).to.deep.equal(['late joined', 'worker-2 of late lost: exit code 7']);
    await run.launcher.down();
  });

  it('is refused with another version, and when the run is being torn down; and forgotten when it does not come', async () => {
    await up({ versionOf: (node) => (node === 2 ? '0.9.9' : VERSION) });
    const old = await run.join('old', 2);
    expect((await rejection(old.guests.settle(old))).message).to.match(/has Millrace 0.9.9, and the run 1.0.0/);
    expect((await old.ended).cause).to.match(/install the same/);
    const silent = { hostId: 5n, node: 'silent', secret: 'any' };
    await old.guests.admit(silent);
    const { patienceMs } = stepInfo(v1.Step.BACKENDS);
    expect((await rejection(old.guests.settle(silent, { timeoutMs: 2 * patienceMs }))).message).to.match(/was not up/);
    expect(await nodes()).to.deep.equal(['node-0', 'node-1']);
    const down = run.launcher.down();
    expect((await rejection(old.guests.admit({ hostId: 6n, node: 'late' }))).message).to.match(/being torn down/);
    await down;
  });

  it('is refused under what is no name of a node, or the name of another node, until that has left', async () => {
    await up();
    const { guests, hostId, ended } = await run.join('late', 2);
    await guests.settle({ hostId });
    const refusal = async (node: string): Promise<Error> =>
      rejection(guests.admit({ hostId: 7n, node, secret: 'any' }));
    for (const node of ['', 'n'.repeat(256), '../launcher', 'a b', 'a\nb']) {
      expect(await refusal(node), node).to.include({ code: 'REFUSED', reason: 'BAD_NODE_NAME' });
    }
    for (const node of ['node-0', 'node-1', 'late']) {
      expect(await refusal(node), node).to.include({ code: 'REFUSED', reason: 'NODE_NAME_TAKEN' });
    }
    expect((await refusal('late')).message).to.match(/give another name by --node/);
    await guests.leave({ hostId });
    await ended;
    const again = await run.join('late', 3);
    expect(await again.guests.settle(again)).to.include({ index: 3 });
    await run.launcher.down();
  });

  for (const cutMs of [0, 20]) {
    it(`is brought up no further once it leaves, whatever is done by then, with global services cut off for ${cutMs} ms`, async () => {
      await up();
      const passed = (ms: number): Promise<void> =>
        new Promise((resolve) => void run.scheduler.setTimer(ms, () => resolve()));
      const outcomes = new Set<string>();
      for (let delayMs = 0; !outcomes.has('settled'); delayMs += 1) {
        const name = `hasty-${delayMs}`;
        const { guests, hostId, ended } = await run.join(name, 2 + delayMs);
        const settled = guests.settle({ hostId }, { timeoutMs: 1e6 }).then(
          () => 'settled',
          ({ message }: Error) => message,
        );
        await passed(delayMs);
        const heal = cutMs === 0 ? () => {} : run.network.partition(['launcher'], ['services-0']);
        await guests.leave({ hostId });
        await passed(cutMs);
        heal();
        outcomes.add(await settled);
        await ended;
        await passed(1_000);
        expect(await nodes(), name).to.deep.equal(['node-0', 'node-1']);
        expect(
          (await processes()).filter((each) => !each.endsWith('ENDED')),
          name,
        ).to.deep.equal([]);
        expect([...run.alive], name).to.have.members(['node-0', 'node-1', 'global-services']);
        expect(events.includes(`${name} left`), name).to.equal(events.includes(`${name} joined`));
      }
      expect(outcomes.size).to.be.greaterThan(1);
      await run.launcher.down();
    });
  }

  for (const step of ['node-indices', 'channels', 'transports', 'welcome']) {
    for (const action of ['kill', 'delay', 'fail', 'garbage']) {
      it(`does not settle where ${step} fails by ${action}, and leaves nothing`, async () => {
        await up({ faults: `${step}:${action}@2` });
        const { guests, hostId } = await run.join('late', 2);
        await rejection(guests.settle({ hostId }, { timeoutMs: 1e6 }));
        expect(await processes()).to.deep.equal([]);
        await run.launcher.down();
        expect([...run.alive]).to.deep.equal([]);
      });
    }
  }
});
