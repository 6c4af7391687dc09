import { expect } from 'chai';
import { PlainActor, dispatch, query, type Ref, spawn, spawnStateless, stop } from '#src/actors/nact/index.js';
import { ConfigError, ProtocolError, StoppedError } from '#src/errors.js';
import { worker } from '../kernel/harness.js';
import { Cluster, closeAfterEach, until } from '../runtime/harness.js';
import { rejection } from '../../support/rejection.js';

const answer = (state: string, msg: { readonly sender: Ref<string> }): string => {
  dispatch(msg.sender, state);
  return state;
};
const ask = (sender: Ref<string>) => ({ sender });

describe('millrace/nact in a runtime', () => {
  closeAfterEach();

  it('spawns under it, and stops it', async () => {
    const runtime = await new Cluster().start();
    const seen: unknown[] = [];
    const actor = spawnStateless(runtime, (_msg: number, ctx) => void seen.push(ctx.parent === runtime), 'root');
    dispatch(actor, 1);
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal([true]);
    stop(runtime);
    expect(() => spawnStateless(runtime, () => undefined)).to.throw(StoppedError, 'was told to stop');
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
