import { expect } from 'chai';
import { type AnyContained, defineComponent } from '#src/actors/component/index.js';
import { messageOf } from '#src/foreign.js';
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
});
