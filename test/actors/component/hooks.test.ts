import { expect } from 'chai';
import { type AnyContained, defineComponent } from '#src/actors/component/index.js';
import { AskTimeoutError } from '#src/errors.js';
import { messageOf } from '#src/foreign.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { closeAfterEach, Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';

/** Writes its hooks into `events`; it is placed where the test runs. */
function recorded(name: string, events: string[], uses: readonly AnyContained[], stopping?: () => void) {
  return defineComponent(name, undefined, Listing, {
    uses,
    created: () => void events.push(`${name} created`),
    started: () => void events.push(`${name} started`),
    stopping: () => {
      events.push(`${name} stopping`);
      stopping?.();
    },
    handlers: { push: () => {}, run: () => ({}), list: async function* () {} },
  });
}

describe('the hooks of a container', () => {
  closeAfterEach();

  it('are those of each component once, the used ones started first and stopped last, also when one throws', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const events: string[] = [];
    const store = recorded('store', events, []);
    const index = recorded('index', events, [store], () => {
      throw new RangeError('it does not close');
    });
    const shop = recorded('shop', events, [store, index]);
    const ref = await runtime.place(shop, { on: { partition: [...runtime.ordinals] } });
    await ref.run({});
    const names = ['store', 'index', 'shop'];
    expect(events).to.deep.equal(names.flatMap((name) => [`${name} created`, `${name} started`]));
    events.length = 0;
    await runtime.stopActor(ref);
    expect(events).to.deep.equal(names.toReversed().map((name) => `${name} stopping`));
    const errors = cluster.log.map(({ fields }) => messageOf(fields['error']));
    expect(errors.filter((message) => message.includes('it does not close'))).to.have.length(1);
  });

  it('stop what was created at once when a start fails, and no second time', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const events: string[] = [];
    const store = recorded('store', events, []);
    const shop = defineComponent('shop', undefined, Listing, {
      uses: [store],
      created: () => void events.push('shop created'),
      started: () => {
        throw new RangeError('it has no stock');
      },
      stopping: () => void events.push('shop stopping'),
      handlers: { push: () => {}, run: () => ({}), list: async function* () {} },
    });
    const placed = runtime.place(shop, { on: { partition: [...runtime.ordinals] } });
    expect(await rejection(placed).then(messageOf)).to.include('it has no stock');
    const expected = ['store created', 'store started', 'shop created', 'shop stopping', 'store stopping'];
    expect(events).to.deep.equal(expected);
    expect(runtime.health().troubles).to.deep.equal([]);
    await runtime.stop();
    expect(events).to.deep.equal(expected);
  });

  it('have the time that a call of place has for the start', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const events: string[] = [];
    const shop = defineComponent('shop', undefined, Listing, {
      started: () => new Promise(() => {}),
      stopping: () => void events.push('shop stopping'),
      handlers: { push: () => {}, run: () => ({}), list: async function* () {} },
    });
    const on = { partition: [...runtime.ordinals] };
    const before = runtime.metrics().partitions[0]?.actors;
    expect(await rejection(runtime.place(shop, { on, timeoutMs: 50 }))).to.be.instanceOf(AskTimeoutError);
    await eventually(() => runtime.metrics().partitions[0]?.actors === before);
    expect(events).to.deep.equal(['shop stopping']);
  });
});
