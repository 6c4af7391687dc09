import { expect } from 'chai';
import { systemKey } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { componentNetwork } from '#src/actors/component/index.js';
import { textCodable } from '#src/descriptors/index.js';
import { HandlerError } from '#src/errors.js';
import { globalServicesInputCUid, introspectionCUid } from '#src/ids/index.js';
import { type AnyService, type Ref, v1 } from '#src/protocol/index.js';
import { v1 as onDemand } from '#src/protocol/on-demand/index.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { depot } from '../component/depot.js';
import { Errands } from '../transport/errands.js';
import { errandRunner } from './errand-runner.js';
import { Cluster, closeAfterEach, TWO_PARTITIONS } from './harness.js';
import { subject } from './placed/subject.js';
import { placedSubject } from './placed/table.js';
import { adder } from './placing/components.js';

/** The reference of the actor of the runtime itself that has this service. */
function partOf(runtime: Runtime, { typeName }: AnyService): Ref {
  const refs = [...runtime[systemKey].roots.values()].map(({ self }) => self.toRef());
  const found = refs.find(({ service }) => service === typeName);
  if (found === undefined) throw new Error(`no ${typeName} among ${refs.map(({ service }) => service).join(', ')}`);
  return found;
}

/** The partition of a runtime beside its first one. */
async function besideFirst({ peers, ordinals }: Runtime): Promise<v1.Partition> {
  const { resources } = await peers.list(1_000);
  const found = resources
    .map(({ detail }) => detail)
    .find((detail) => detail.case === 'partition' && detail.value.ordinal === ordinals[1]);
  if (found?.case !== 'partition') throw new Error('no second partition');
  return found.value;
}

/** A case of an actor that places as many others as it is asked for. */
const SEVERAL = 'places several actors, and leaves those behind that are detached';

describe('a process that sends requests in the name of another one', () => {
  closeAfterEach();

  it('is refused by every service, over whichever link, and changes nothing', async () => {
    const cluster = new Cluster();
    const control = await cluster.start({ system: { partitions: 2 } });
    const victim = await cluster.start({ system: { partitions: 2 } });
    const forger = await cluster.start();
    const placed = await victim.place(adder, { on: { node: control.node } });
    await victim.register('mine', victim.spawn(errandRunner()));
    const served = await componentNetwork(control).serve(depot, { containers: 1 });
    const users = await componentNetwork(victim).client(Errands);
    await users.run({ value: 1 });

    const { resources } = await forger.peers.list(1_000);
    const { ordinal } = await besideFirst(victim);
    const { incarnation } = victim[systemKey];
    const service = Errands.typeName;
    const owner = { actor: { cUid: introspectionCUid(ordinal, incarnation), incarnation, service }, key: 'mine' };
    const at = <S extends AnyService>(of: S, runtime: Runtime) => forger[systemKey].reference(of, partOf(runtime, of));
    const plane = forger.peers.reference(v1.ControlPlane, control.controlPlane, globalServicesInputCUid);
    const calls = at(v1.ContextCalls, victim);
    const client = at(v1.ControlPlaneClient, victim);
    const { ref: values } = await victim.publisher('values', textCodable);
    const publisher = forger[systemKey].reference(v1.ValuePublisher, values.toRef());
    const spawner = at(v1.Spawner, control);
    const pool = at(v1.ComponentPool, control);
    const placer = partOf(victim, v1.Placer);
    const caller = partOf(victim, v1.ComponentCaller);
    const actor = placed.toRef();
    const { pUid } = victim;
    const mine = { pUid, tag: 9, epoch: 1 };

    const forged: Readonly<Record<string, () => Promise<unknown>>> = {
      'ControlPlane.disconnect': () => plane.disconnect(mine),
      'ControlPlane.unregisterName': () => plane.unregisterName({ ...mine, name: 'mine' }),
      'ControlPlane.retirePartition': () => plane.retirePartition({ ...mine, ordinal }),
      'ContextCalls.place': () => calls.place({ owner, id: 1, args: [new Uint8Array()], timeoutMs: 1_000 }),
      'ContextCalls.giveUp': () => calls.giveUp({ owner, id: 1 }),
      'ContextCalls.findSpawner': () => calls.findSpawner({ owner, actor }),
      'ContextCalls.stop': () => calls.stop({ owner, actor }),
      'ContextCalls.end': () => calls.end(owner),
      'ContextCalls.lookup': () => calls.lookup({ name: 'mine', service }),
      'ContextCalls.follow': () => calls.follow({ name: 'all' }, { timeoutMs: 500 }),
      'ControlPlaneClient.report': () => client.report({ id: 1 }),
      'ControlPlaneClient.locate': () => client.locate({ ordinal: 1 }),
      'ControlPlaneClient.drain': () => client.drain({ segment: 1 }),
      'ControlPlaneClient.getDefinition': () => client.getDefinition({ hash: 'x' }),
      'ControlPlaneClient.registerName': () => client.registerName({ name: 'theirs', ref: placer }),
      'ControlPlaneClient.unregisterName': () => client.unregisterName({ name: 'mine', cUid: actor.cUid }),
      'Spawner.place': () => spawner.place({ placer, id: 99 }),
      'Spawner.withdraw': () => spawner.withdraw({ placer, id: 1 }),
      'Spawner.drain': () => spawner.drain({ placer, id: 1, timeoutMs: 10 }),
      'Spawner.unregister': () => spawner.unregister({ placer, id: 1, name: 'mine' }),
      'Placer.leaving': () => at(v1.Placer, victim).leaving({ ordinal: control.ordinals[0] ?? 0 }),
      'ComponentPool.acquire': () => pool.acquire({ caller, id: 9, timeoutMs: 100 }),
      'ValuePublisher.subscribe': () =>
        publisher.subscribe({ subscriber: placer, typeName: textCodable.typeName, reader: 0 }),
      'ComponentPool.describePool': () => pool.describePool({ caller, token: 1n }),
    };
    for (const [what, send] of Object.entries(forged)) {
      const error = await rejection(send());
      expect(error, what).to.be.instanceOf(HandlerError);
      expect(error, what).to.have.property('handlerCode', 'PROTOCOL');
      expect(String(error), what).to.match(/did not arrive over (a|the) link of/);
    }
    // Nobody answers these.
    pool.release({ caller, id: 1 });
    client.update({ epoch: 99, isComplete: true, isSnapshot: true });
    await cluster.pass(2_000);

    expect(await placed.run({ value: 4 })).to.include({ value: 4 });
    // The update has said that the cluster has nothing.
    expect(await (await victim.place(adder, { on: { node: control.node } })).run({ value: 5 })).to.include({
      value: 5,
    });
    expect(await users.run({ value: 2 })).to.be.an('object');
    await victim.lookup(Errands, 'mine');
    expect(victim.health().isReady).to.equal(true);
    const after = await forger.peers.list(1_000);
    expect(after.resources.map(({ id }) => id)).to.deep.equal(resources.map(({ id }) => id));
    expect(after.names.map(({ name }) => name)).to.not.include('theirs');
    await served.close();
  });

  it('is refused by the host of a partition on a thread, and by that of its actors', async () => {
    const cluster = new Cluster({}, 'thread');
    const victim = await cluster.start();
    const forger = await cluster.start();
    const [ordinal = 0] = victim.ordinals.slice(1);
    const at = <S extends AnyService>(of: S) => forger[systemKey].reference(of, partOf(victim, of));
    const [host, held, placer] = [at(onDemand.PartitionHost), at(v1.SpawnerHost), partOf(victim, v1.Placer)];
    const launch = 'partition-host-1.1';
    const { address } = await besideFirst(victim);
    const actor = { ordinal, placer, id: 1 };
    const before = victim.health();
    for (const [what, send] of Object.entries({
      'PartitionHost.enrol': () => host.enrol({ launch, address }),
      'PartitionHost.activate': () => host.activate({ launch }),
      'SpawnerHost.hold': () => held.hold(actor),
      'SpawnerHost.release': () => held.release(actor),
      'SpawnerHost.withdraw': () => held.withdraw(actor),
    })) {
      const error = await rejection(send());
      expect(error, what).to.include({ code: 'HANDLER', handlerCode: 'PROTOCOL' });
      expect(String(error), what).to.match(/did not arrive over (a|the) link of/);
    }
    // Nobody answers these. What comes after them over the same link tells that they were handled.
    host.report({ launch, failures: 77 });
    host.log({ launch, level: 'error', message: 'forged' });
    host.interceptorFailed({ message: 'forged' });
    await rejection(host.enrol({ launch, address }));
    expect(JSON.stringify(cluster.log.map(({ message }) => message))).to.not.include('forged');
    expect(victim.metrics().failures).to.be.below(77);
    expect(victim.health().partitions).to.have.length(before.partitions.length);
    expect(victim.health().isReady).to.equal(true);
  });

  it('is told apart from the partitions of that one also after these have lost their link: their calls go on', async () => {
    const runtime = await new Cluster().start(TWO_PARTITIONS);
    const { ordinal, address } = await besideFirst(runtime);
    const reporter = runtime.spawn(subject());
    const { cUid, incarnation } = reporter.toRef();
    const args = { title: SEVERAL, reporter: [String(cUid), String(incarnation)] as const };
    const placed = await runtime.place(placedSubject, { args, on: { partition: ordinal }, detached: true });
    expect(await placed.ask({ value: 1 })).to.include({ value: 1 });
    const links = runtime[systemKey].reference(v1.Transport, partOf(runtime, v1.Transport));
    const hasLink = async (): Promise<boolean> =>
      (await links.describe({})).links.some(({ peerAddress }) => peerAddress === address);
    expect(await hasLink()).to.equal(true);
    await links.disconnect({ address });
    await eventually(async () => !(await hasLink()));
    // A request may have gone over the link that was closed.
    await eventually(() =>
      placed.ask({ value: 2 }).then(
        ({ value }) => value === 2,
        (error: unknown) => (expect(String(error)).to.not.include('refused'), false),
      ),
    );
  });
});
