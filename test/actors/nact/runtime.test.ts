import { expect } from 'chai';
import nact from 'nact';
import { type ActorNode, nodeOf } from '#src/actors/kernel/index.js';
import { PlainActor, dispatch, query, type Ref, spawn, spawnStateless, stop } from '#src/actors/nact/index.js';
import { ConfigError, ProtocolError } from '#src/errors.js';
import { worker } from '../kernel/harness.js';
import { Cluster, closeAfterEach, rejection, startFlow, until } from '../runtime/harness.js';
import flow from '../runtime/pipelines/flow.js';

const answer = (state: string, msg: { readonly sender: Ref<string> }): string => {
  dispatch(msg.sender, state);
  return state;
};
const ask = (sender: Ref<string>) => ({ sender });

/** Every actor of the same runtime, parents before their children. */
function actorsAround(actor: object): ActorNode[] {
  const below = (actors: ReadonlyMap<string, ActorNode>): ActorNode[] =>
    [...actors.values()].flatMap((each) => [each, ...below(each.children)]);
  return below(nodeOf(actor)?.tree.children ?? new Map<string, ActorNode>());
}

describe('millrace/nact in a runtime', () => {
  closeAfterEach();

  it("reaches every actor of it with nact's own verbs, those of the runtime too", async () => {
    const runtime = await new Cluster().start();
    await startFlow(
      runtime,
      flow,
      { count: 0 },
      { board: (board) => void (board.source = () => new Promise<void>(() => {})) },
    );
    const plain = spawnStateless(runtime, () => undefined, 'plain');
    const services = (): string[] => actorsAround(plain).map(({ service }) => service.typeName);
    await until(() => services().filter((name) => /v1\.(Publisher|Subscriber)$/.test(name)).length === 4);
    expect(services()).to.include.members(
      ['Runtime', 'PartitionRuntime', 'SegmentsManager'].map((name) => `millrace.v1.${name}`),
    );
    const actors = actorsAround(plain).filter(({ self }) => self !== plain);
    for (const { self, name } of actors) {
      const wrong = { noSuchMethod: {} };
      expect(() => nact.dispatch(self, wrong), name).to.throw(ProtocolError, `a message to ${name} must be`);
      expect(await rejection(nact.query(self, () => wrong, 100)), name).to.be.instanceOf(ProtocolError);
    }
    for (const { self } of actors.toReversed()) nact.stop(self);
    await until(() => actorsAround(plain).length === 1);
  });

  it('spawns under it, and stops it', async () => {
    const runtime = await new Cluster().start();
    const seen: unknown[] = [];
    const actor = spawnStateless(runtime, (_msg: number, ctx) => void seen.push(ctx.parent === runtime), 'root');
    dispatch(actor, 1);
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal([true]);
    stop(runtime);
    await until(() => runtime.leftovers.actors === 0);
  });

  it('refuses what would leave the partition, and says what to do', async () => {
    const cluster = new Cluster();
    const [here, there] = [await cluster.start(), await cluster.start()];
    const actor = spawn(here, answer, 'answer', { initialState: 'here' });
    await here.register('answer', actor);
    const far = await there.lookup(PlainActor, 'answer');
    expect(() => dispatch(far, 7)).to.throw(ProtocolError, 'give the actor a service');
    expect(await rejection(query(far, ask, 100))).to.be.instanceOf(ProtocolError);
    expect(() => stop(far)).to.throw(ConfigError, 'another partition');
    expect(() => spawn(far, answer)).to.throw(ConfigError, 'this partition');
    expect(() => far.receive({ message: 7, sender: undefined })).to.throw(ProtocolError);

    const near = await here.lookup(PlainActor, 'answer');
    expect(await query(near, ask, 100)).to.equal('here');
  });

  it('is watched from elsewhere like any actor', async () => {
    const cluster = new Cluster();
    const [here, there] = [await cluster.start(), await cluster.start()];
    const actor = spawn(here, answer, 'answer', { initialState: 'here' });
    await here.register('answer', actor);
    const far = await there.lookup(PlainActor, 'answer');
    const gone: string[] = [];
    const watcher = there.spawn(
      worker({
        push: (_state, _request, ctx) => ctx.watch(far),
        on: { terminated: (_state, { reason }) => void gone.push(reason) },
      }),
    );
    watcher.push({});
    await cluster.pass(100);
    stop(actor);
    await until(() => gone.length === 1);
    expect(gone).to.deep.equal(['stopped']);
  });
});
