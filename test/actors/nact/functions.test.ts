import { createRequire } from 'node:module';
import { expect } from 'chai';
import nact from 'nact';
import { behavior, type UntypedRef } from '#src/actors/kernel/index.js';
import { ConfigError, ProtocolError, StoppedError } from '#src/errors.js';
import {
  dispatch,
  persistentQuery,
  query,
  type Ref,
  spawn,
  spawnPersistent,
  spawnStateless,
  stop,
} from '#src/actors/nact/index.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from '../kernel/harness.js';
import { Pricing } from '../kernel/shop.js';

const pricing = behavior(Pricing, {
  state: () => new Map<string, number>(),
  observe: (book, { symbol, price }) => void book.set(symbol, price),
  quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
});

interface Registry {
  find(systemName: string, reference?: object): object | undefined;
}

/** nact's registry, which its functions resolve references in. nact's types do not describe it. */
function registry(): Registry {
  const systems: unknown = createRequire(import.meta.url)('nact/lib/system-map.js');
  if (!isRegistry(systems)) throw new Error('nact has no registry');
  return systems;
}

function isRegistry(value: unknown): value is Registry {
  return typeof value === 'object' && value !== null && 'find' in value && typeof value.find === 'function';
}

describe("nact's functions", () => {
  afterEach(closeSystems);

  it('dispatch to our references, query and stop them', async () => {
    const { system } = testSystem({}, { isReal: true });
    const ref = system.spawn(pricing, { name: 'pricing' });
    nact.dispatch(ref, { observe: { symbol: 'ACME', price: 3 } });
    const reply = await nact.query(ref, () => ({ quote: { symbol: 'ACME' } }), 100);
    expect(reply).to.deep.equal({ price: 3, currency: 'EUR' });
    nact.stop(ref);
    await until(() => system.statistics.actors === 0);
    expect(await rejection(ref.quote({}))).to.be.instanceOf(StoppedError);
    expect(await rejection(nact.query(ref, () => ({ quote: {} }), 100))).to.be.instanceOf(Error);
  });

  it('find children', async () => {
    const { system } = testSystem();
    const seen: number[] = [];
    const child = worker({ push: (_state, { value }) => void seen.push(value) });
    const parent = system.spawn(
      worker({
        push: (_state, { value }, ctx) => nact.dispatch(ctx.spawn(child, { name: 'c' }), { push: { value } }),
      }),
      { name: 'p' },
    );
    parent.push({ value: 8 });
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal([8]);
    expect(parent.path.parts).to.deep.equal(['p']);
    expect(parent.parent?.type).to.equal('system');
    expect([parent.type, parent.name, parent.path.toString()]).to.deep.equal([
      'actor',
      'p',
      `${parent.system.name}://p`,
    ]);
  });

  it("are told of an actor's children, and whether it has stopped", async () => {
    const { system } = testSystem({}, { isReal: true });
    const parent = spawnStateless(system, () => {}, 'parent');
    const child = spawnStateless(parent, () => {}, 'child');
    const found = (): object | undefined => registry().find(system.name, parent);
    expect(found()).to.have.property('stopped', false);
    expect(found()).to.have.deep.property('childReferences', new Map([['child', child]]));
    expect(registry().find(system.name)).to.have.deep.property('childReferences', new Map([['parent', parent]]));
    stop(parent);
    expect(found()).to.have.property('stopped', true);
    await until(() => system.statistics.actors === 0);
    expect(found()).to.equal(undefined);
  });

  it('take the parent of an actor, and stop the system above it', async () => {
    const { system } = testSystem();
    const seen: number[] = [];
    const children: UntypedRef[] = [];
    system.spawn(
      worker({
        on: { started: (_state, ctx) => void children.push(ctx.spawn(worker(), { name: 'c' })) },
        push: (_state, { value }) => void seen.push(value),
      }),
      { name: 'p' },
    );
    await until(() => children.length === 1);
    const above = children[0]?.parent;
    if (above?.type !== 'actor') throw new Error('no reference');
    nact.dispatch(above, { push: { value: 5 } });
    await until(() => seen.length === 1);
    stop(above);
    await until(() => system.statistics.actors === 0);
    const last = system.spawn(worker());
    if (last.parent !== undefined) stop(last.parent);
    await until(() => system.statistics.actors === 0);
    expect(() => system.spawn(worker())).to.throw(StoppedError);
  });

  it('are told when a message has no such form', async () => {
    const { system } = testSystem();
    const ref = system.spawn(pricing);
    for (const message of [{}, { qoute: {} }, { quote: {}, observe: {} }, 'quote', undefined]) {
      expect(() => nact.dispatch(ref, message)).to.throw(ProtocolError, 'observe, quote');
    }
    expect(await rejection(nact.query(ref, () => ({ observe: {} }), 100))).to.be.instanceOf(ProtocolError);
  });

  it('cannot spawn under our actors, nor under our system', () => {
    const { system } = testSystem();
    const ref = system.spawn(pricing);
    const spawn = (parent: object) => () => nact.spawnStateless(parent, () => {}, 'child');
    expect(spawn(ref)).to.throw(ConfigError, "nact's own spawn cannot create an actor under Pricing-1");
    expect(spawn(ref.parent ?? {})).to.throw(ConfigError);
  });

  it("are called by ours for nact's own references", async () => {
    const theirs = nact.start();
    const actor = nact.spawnStateless(theirs, (message: string, ctx) => {
      nact.dispatch((ctx as unknown as { readonly sender: Ref<string> }).sender, message.toUpperCase());
    });
    expect(await query(actor as Ref<string>, 'hello', 100)).to.equal('HELLO');
    stop(actor as Ref<string>);
    expect(await rejection(query(actor as Ref<string>, 'hello', 100))).to.be.instanceOf(Error);
    nact.stop(theirs);
  });

  it('are refused what is no reference', async () => {
    for (const wrong of [undefined, null, 7, 'actor', {}, { type: 'actor', system: undefined }]) {
      const target = wrong as unknown as Ref<string>;
      expect(() => dispatch(target, 'hello')).to.throw(ConfigError, 'dispatch needs a reference to an actor');
      expect(() => query(target, 'hello', 100)).to.throw(ConfigError, 'query needs a reference to an actor');
      expect(() => stop(target)).to.throw(ConfigError, 'stop needs a reference to an actor');
      const under: readonly (() => unknown)[] = [
        () => spawn(target, () => {}),
        () => spawnStateless(target, () => {}),
        () => spawnPersistent(target, () => {}, 'key'),
        () => persistentQuery(target, () => {}, 'key'),
      ];
      for (const start of under) expect(start).to.throw(ConfigError, 'this parent is neither');
    }
  });

  it('keep systems of one name apart', async () => {
    const [one, other] = [testSystem(), testSystem()];
    const refs = [one, other].map(({ system }) => system.spawn(pricing, { name: 'pricing' }));
    expect(new Set(refs.map((ref) => ref.system.name)).size).to.equal(2);
    for (const [index, ref] of refs.entries()) nact.dispatch(ref, { observe: { symbol: 'A', price: index } });
    expect(await Promise.all(refs.map((ref) => ref.quote({ symbol: 'A' })))).to.deep.equal([
      { price: 0, currency: 'EUR' },
      { price: 1, currency: 'EUR' },
    ]);
  });
});
