import { expect } from 'chai';
import { componentNetwork, containerControl, defineComponent } from '#src/actors/component/index.js';
import { AskTimeoutError, BackpressureError, ConfigError, HandlerError } from '#src/errors.js';
import { messageOf } from '#src/foreign.js';
import { rejection } from '../../support/rejection.js';
import { Listing } from '../transport/errands.js';
import { type Cluster, describePlacements } from '../runtime/harness.js';
import { broken, depot, slow, stray } from './depot.js';

/** Calls it with what the compiler refuses in TypeScript. */
const called =
  (it: (...all: never[]) => unknown, ...all: unknown[]) =>
  () => {
    const result: unknown = Reflect.apply(it, undefined, all);
    return result;
  };

describePlacements('a container', (newCluster) => {
  let cluster: Cluster | undefined;
  after(() => cluster?.close());

  /** The process under test, which has a partition beside the event loop of the program. The tests of a world share it. */
  async function opened() {
    const isFirst = cluster === undefined;
    cluster ??= newCluster();
    cluster.isShared = true;
    if (isFirst) await cluster.start({ system: { partitions: 2 } });
    const [runtime] = cluster.started;
    if (runtime === undefined) throw new Error('the runtime did not start');
    return { cluster, runtime };
  }

  it('keeps its environment between the calls, in the order of their arrival, also when one fails', async () => {
    const { cluster, runtime } = await opened();
    const ref = await runtime.place(depot);
    ref.push({ value: 5 });
    expect((await ref.run({ value: 1 })).value).to.equal(7);
    const error = await rejection(ref.run({ value: 13 }));
    expect(error).to.be.instanceOf(HandlerError).with.property('message').that.includes('13 is refused');
    ref.push({ value: 1 });
    expect((await ref.run({ value: 1 })).value).to.equal(8);
    const { value: pid } = await ref.rush({});
    expect(pid, 'it has started').to.not.equal(0);
    expect(pid === process.pid).to.equal(cluster.placement !== 'process');
  });

  it('calls the components that it uses directly, whose environment is its own', async () => {
    const { runtime } = await opened();
    const [first, second] = await runtime.place(depot, { instances: 2 });
    if (first === undefined || second === undefined) throw new Error('there are two');
    first.urge({ value: 40 });
    const read = async (ref: typeof first): Promise<number[]> => {
      const values: number[] = [];
      for await (const { value } of ref.list({ value: 2 })) values.push(value);
      return values;
    };
    expect(await read(first)).to.deep.equal([1, 40, 41]);
    expect(await read(second)).to.deep.equal([0, 0, 1]);
  });

  it('exports its state and imports that of another one, or refuses its version and keeps its own', async () => {
    const { runtime } = await opened();
    const [old, next] = await runtime.place(depot, { instances: 2 });
    if (old === undefined || next === undefined) throw new Error('there are two');
    old.push({ value: 9 });
    const state = await containerControl(runtime, old).containerExport({});
    expect(state).to.include({ version: 2 });
    await containerControl(runtime, next).containerImport(state);
    expect((await next.run({})).value).to.equal(9);
    const refused = await rejection(containerControl(runtime, next).containerImport({ ...state, version: 3 }));
    expect(refused).to.have.property('message').that.includes('version 3 is not read');
    expect((await next.run({})).value).to.equal(9);
    expect((await containerControl(runtime, next).containerProbe()).handled).to.equal(2n);
    const stateless = containerControl(runtime, await runtime.place(slow));
    for (const failed of [stateless.containerExport({}), stateless.containerImport(state)]) {
      const error = await rejection(failed);
      expect(error).to.be.instanceOf(HandlerError).with.property('handlerCode', 'CONFIG');
      expect(error)
        .to.have.property('message')
        .that.matches(/has no (ex|im)portState/);
    }
    for (const wrong of ['x', undefined, {}]) {
      expect(called(containerControl, runtime, wrong)).to.throw(ConfigError, /needs the reference of a container/);
      expect(called(containerControl, wrong, old)).to.throw(ConfigError, /needs a runtime/);
      expect(called(componentNetwork, wrong)).to.throw(ConfigError, /needs a runtime/);
    }
  });

  it('handles one request at a time, and refuses those for which its queue has no room', async () => {
    const { runtime } = await opened();
    const ref = await runtime.place(slow);
    const ended: number[] = [];
    // Each takes less time than the one before: they end in the order of their arrival.
    const asks = [60, 40, 20, 1, 1].map(async (value) => {
      await ref.run({ value });
      ended.push(value);
    });
    const outcomes = await Promise.allSettled(asks);
    const refused: unknown[] = [];
    for (const each of outcomes) if (each.status === 'rejected') refused.push(each.reason);
    expect(ended).to.deep.equal([60, 40, 20].slice(0, ended.length));
    expect(refused.length).to.be.within(2, 3);
    for (const error of refused) expect(error).to.be.instanceOf(BackpressureError);
    expect((await ref.run({ value: 1 })).value).to.equal(1);
  });

  it('that cannot start is not placed, and says why', async () => {
    const { runtime } = await opened();
    const refused = await rejection(runtime.place(broken, { name: 'broken', register: 'broken' }));
    expect(refused).to.be.instanceOf(HandlerError).with.property('handlerName', 'RangeError');
    expect(refused).to.have.property('message').that.includes('"broken" threw RangeError: there is no disk');
    // Nothing is left that has its name.
    expect(await rejection(runtime.place(broken, { name: 'broken' }))).to.deep.include({ message: messageOf(refused) });
    expect(await rejection(runtime.lookup(Listing, 'broken', { timeoutMs: 1 }))).to.be.instanceOf(AskTimeoutError);
  });

  it('refuses a direct call of a component that it does not use', async () => {
    const { runtime } = await opened();
    const ref = await runtime.place(stray);
    const error = await rejection(ref.run({ value: 1 }));
    expect(error).to.have.property('message').that.includes('"stray" calls "doubler"');
  });
});

describe('the declaration of a contained component', () => {
  const list = async function* () {};
  const handlers = { push: () => {}, run: () => ({}), list };
  const define = (definition: object) => () =>
    defineComponent('wrong', import.meta.url, Listing, { handlers, ...definition });
  const cases: readonly [string, object, RegExp][] = [
    ['an option that there is not', { queues: 1 }, /has no option queues\. Did you mean queue\?/],
    ['a queue that is no whole number', { queue: 1.5 }, /queue of .* whole number from 1, not 1\.5/],
    ['an export without an import', { exportState: () => new Uint8Array() }, /both exportState and importState/],
    ['a handler that is missing', { handlers: { push: () => {}, list } }, /no handler run/],
    ['a handler without an rpc', { handlers: { ...handlers, walk: () => {} } }, /has no option walk/],
    ['a version that is 0', { stateVersion: 0 }, /stateVersion .* whole number from 1/],
    ['components that it uses, and no array of them', { uses: {} }, /uses of component .* must be an array/],
    ['a component of another kind among those that it uses', { uses: [{}] }, /must be components of defineComponent/],
  ];
  for (const [what, definition, message] of cases) {
    it(`is refused with ${what}`, () => expect(define(definition)).to.throw(ConfigError, message));
  }
  it('is refused without a service, and without handlers', () => {
    const given = (...all: unknown[]) => called(defineComponent, 'wrong', import.meta.url, ...all);
    for (const service of ['Prices', undefined, null, {}]) {
      expect(given(service, { handlers })).to.throw(ConfigError, /needs a service/);
    }
    for (const definition of [{}, undefined, null, 'handlers', { handlers: null }]) {
      expect(given(Listing, definition)).to.throw(ConfigError, /handlers/);
    }
  });
});
