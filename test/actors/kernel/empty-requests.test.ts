import { expect } from 'chai';
import { behavior } from '#src/actors/kernel/index.js';
import { Empty, Lane, type Method, type Service } from '#src/protocol/index.js';
import { testBehavior, virtualCluster } from '#src/testing/index.js';
import { closeSystems, testSystem } from './harness.js';

function rpc<M extends 'tell' | 'ask' | 'stream'>(name: string, mode: M): Method<M, Empty, Empty, Empty, Empty> {
  return { name, fullName: `test.Bell.${name}`, mode, lane: Lane.data, request: Empty, response: Empty };
}

const methods = { ring: rpc('ring', 'tell'), count: rpc('count', 'ask'), list: rpc('list', 'stream') };
const Bell: Service<typeof methods> = { typeName: 'test.Bell', methods };

/** What reaches a handler, with the meta of its message. */
function bell() {
  const seen: unknown[] = [];
  const made = behavior(Bell, {
    ring: (_state, request, ctx) => void seen.push(['ring', request, ctx.meta]),
    count: (_state, request, ctx) => {
      seen.push(['count', request, ctx.meta]);
      return {};
    },
    list: async function* (_state, request, ctx) {
      seen.push(['list', request, ctx.meta]);
      yield {};
    },
  });
  return { seen, made };
}

async function elementsOf(stream: AsyncIterable<Empty>): Promise<readonly Empty[]> {
  const elements: Empty[] = [];
  for await (const element of stream) elements.push(element);
  return elements;
}

const options = { meta: { tenant: 'a' } };
const once = (meta?: object) => ['ring', 'count', 'list'].map((name) => [name, {}, meta]);

describe('a request without fields', () => {
  afterEach(closeSystems);

  it('may be left out of a tell, an ask and a stream, also before options', async () => {
    const { system } = testSystem();
    const { seen, made } = bell();
    const ref = system.spawn(made);
    ref.ring();
    expect(await ref.count()).to.deep.equal({});
    expect(await elementsOf(ref.list())).to.deep.equal([{}]);
    ref.ring({}, options);
    await ref.count(undefined, { ...options, timeoutMs: 100 });
    await elementsOf(ref.list(undefined, { ...options, windowItems: 1 }));
    expect(seen).to.deep.equal([...once(), ...once(options.meta)]);
  });

  it('may be left out over a link', async () => {
    const cluster = await virtualCluster({ nodes: 2, seed: 3 });
    const [home, far] = cluster.runtimes;
    const { seen, made } = bell();
    home?.spawn(made, { name: 'bell', register: true });
    const ref = await far?.lookup(Bell, 'bell');
    ref?.ring();
    expect(await ref?.count()).to.deep.equal({});
    if (ref !== undefined) expect(await elementsOf(ref.list())).to.deep.equal([{}]);
    expect(seen).to.deep.equal(once());
    await cluster.stop();
  });

  it('may be left out in a test of a behavior alone', async () => {
    const { seen, made } = bell();
    const test = await testBehavior(made);
    await test.handle('ring');
    expect(await test.handle('count', {}, options)).to.deep.equal({});
    expect(seen).to.deep.equal([
      ['ring', {}, undefined],
      ['count', {}, options.meta],
    ]);
  });
});
