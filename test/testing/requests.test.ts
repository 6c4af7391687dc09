import { expect } from 'chai';
import { behavior } from '#src/actors/kernel/index.js';
import { ProtocolError } from '#src/errors.js';
import { testBehavior } from '#src/testing/index.js';
import { loader } from '../actors/kernel/harness.js';
import { Loading, Worker } from '../actors/kernel/shop.js';
import { readAll } from '../support/read-all.js';
import { rejection } from '../support/rejection.js';
import { numbersBelow } from '../support/sources.js';

/** A Worker that does `work` for each ask. */
function worker(does: { readonly work: (value: number) => Promise<number> }) {
  return behavior(Worker, {
    push: () => {},
    work: async (_state, { value }) => ({ value: await does.work(value) }),
  });
}

describe('a behavior with streams of requests, as a pure function', () => {
  it('reads the requests that the test sends, and answers them', async () => {
    const test = await testBehavior(loader());
    expect(await test.handle('load', [{ value: 3 }, { value: 4 }])).to.deep.equal({ value: 7 });
    expect(await readAll(test.handle('chat', numbersBelow(3)))).to.deep.equal({ values: [0, 2, 4] });
    const wrong = await rejection(test.handle('load', [7 as never]));
    expect(wrong).to.be.instanceOf(ProtocolError).with.property('message').that.contains('request 0');
    const lost = new Error('lost');
    const failing = numbersBelow(3, (value) => value === 1 && Promise.reject(lost));
    expect(await rejection(test.handle('load', failing))).to.equal(lost);
  });

  it('sends requests to a probe, which tells the source to stop with its answer', async () => {
    let send: (value: number) => Promise<number[]> = () => Promise.resolve([]);
    const test = await testBehavior(worker({ work: async (value) => (await send(value)).length }));
    let closed = 0;
    const source = async function* () {
      try {
        for (let value = 0; ; value++) yield { value };
      } finally {
        closed++;
      }
    };
    const probe = test.probe(Loading, {
      load: async (requests) => {
        for await (const { value } of requests) if (value === 4) return { value };
        return {};
      },
      chat: async function* (requests) {
        for await (const { value } of requests) yield { value };
      },
    });
    send = async () => [(await probe.load(source())).value];
    expect(await test.handle('work', {})).to.deep.equal({ value: 1 });
    send = async () => (await readAll(probe.chat(numbersBelow(5)))).values;
    expect(await test.handle('work', {})).to.deep.equal({ value: 5 });
    expect(test.takeEffects().map(({ kind }) => kind)).to.deep.equal(['asked', 'opened']);
    const silent = test.probe(Loading);
    send = async () => [(await silent.load(source())).value];
    const handled = test.handle('work', {});
    const [asked] = test.takeEffects();
    if (asked?.kind !== 'asked') throw new Error('it did not ask');
    for await (const request of asked.message as AsyncIterable<unknown>) {
      expect(request).to.deep.equal({ value: 0 });
      break;
    }
    asked.reply({ value: 9 });
    expect(await handled).to.deep.equal({ value: 1 });
    expect(closed).to.equal(2);
  });
});
