import { expect } from 'chai';
import { ActorSystem, behavior, type DeadLetter, later } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError, ProtocolError, StoppedError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Pricing, Worker } from './shop.js';

const pricing = behavior(Pricing, {
  state: () => new Map<string, number>(),
  observe: (book, { symbol, price }) => void book.set(symbol, price),
  quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
});

describe('an actor', () => {
  afterEach(closeSystems);

  for (const isReal of [false, true]) {
    it(`handles tells and answers asks in order, in ${isReal ? 'real' : 'virtual'} time`, async () => {
      const { system } = testSystem({}, { isReal });
      const ref = system.spawn(pricing, { name: 'pricing' });
      expect(ref.observe({ symbol: 'ACME', price: 12.5 })).to.equal(true);
      expect(await ref.quote({ symbol: 'ACME' }, { timeoutMs: 20_000 })).to.deep.equal({
        price: 12.5,
        currency: 'EUR',
      });
      expect(await ref.quote({ symbol: 'NONE' })).to.deep.equal({ price: 0, currency: 'EUR' });
    });
  }

  it('sees every field of a message filled, and never the object of the sender', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const ref = system.spawn(
      behavior(Pricing, { observe: (_state, trade) => void seen.push(trade), quote: () => ({}) }),
    );
    const sent = { symbol: 'ACME' };
    ref.observe(sent);
    sent.symbol = 'changed';
    expect(await ref.quote({})).to.deep.equal({ price: 0, currency: 'EUR' });
    expect(seen).to.deep.equal([{ symbol: 'ACME', price: 0 }]);
  });

  it('replaces its state with become', async () => {
    const { system } = testSystem();
    const counter = system.spawn(
      worker({
        state: () => 0,
        push: (count, { value }, ctx) => ctx.become(count + value),
        work: (count) => ({ value: count }),
      }),
    );
    counter.push({ value: 2 });
    counter.push({ value: 3 });
    expect(await counter.work({})).to.deep.equal({ value: 5 });
  });

  it('takes no other turn while a handler has not settled, and others do', async () => {
    const { system } = testSystem();
    const gate = deferred();
    const events: string[] = [];
    const slow = system.spawn(
      worker({
        push: async (_state, { value }) => {
          events.push(`begin ${value}`);
          await gate.promise;
          events.push(`end ${value}`);
        },
      }),
    );
    const quick = system.spawn(worker());
    slow.push({ value: 1 });
    slow.push({ value: 2 });
    for (let count = 0; count < 3; count++) await quick.work({});
    expect(events).to.deep.equal(['begin 1']);
    gate.resolve();
    await until(() => events.length === 4);
    expect(events).to.deep.equal(['begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  it('has its first turn before its first message, for state and on.started', async () => {
    const { system } = testSystem();
    const events: string[] = [];
    const gate = deferred();
    const ref = system.spawn(
      worker({
        state: (ctx) => events.push(`state of ${ctx.path}`),
        on: {
          started: async () => {
            events.push('started');
            await gate.promise;
          },
        },
        push: () => void events.push('message'),
      }),
      { name: 'eve' },
    );
    ref.push({});
    expect(events).to.deep.equal([]);
    await until(() => events.length === 2);
    await turn();
    expect(events).to.deep.equal(['state of test/eve', 'started']);
    gate.resolve();
    await until(() => events.length === 3);
  });

  it('knows who sent a message, and its own name', async () => {
    const { system } = testSystem();
    const senders: unknown[] = [];
    const target = system.spawn(
      worker({
        push: (_state, _message, ctx) => void senders.push(ctx.sender),
        work: (_state, message, ctx) => {
          senders.push(ctx.sender);
          return message;
        },
      }),
    );
    const caller = system.spawn(
      worker({
        work: async (_state, message) => {
          target.push({});
          return target.work(message);
        },
      }),
    );
    target.push({});
    await caller.work({});
    expect(senders).to.deep.equal([undefined, caller.toRef(), caller.toRef()]);
    expect(caller.toRef().service).to.equal('test.Worker');
  });

  it('says which reference a message lacks', () => {
    const { system } = testSystem();
    expect(() => system.reference(Pricing, undefined)).to.throw(ProtocolError, 'an actor of test.Pricing is missing');
    expect(() => system.reference(Pricing, {})).to.throw(ProtocolError, 'an actor of test.Pricing is empty');
  });

  it('carries references in messages, and refuses one of another service', async () => {
    const { system } = testSystem();
    const price = system.spawn(pricing);
    const wire = price.toRef();
    const again = system.reference(Pricing, wire);
    again.observe({ symbol: 'ACME', price: 1 });
    expect((await price.quote({ symbol: 'ACME' })).price).to.equal(1);
    expect(() => system.reference(Worker, wire)).to.throw(ProtocolError, 'test.Pricing');
    expect(() => system.reference(Worker, { ...wire, service: 'test.Worker' })).to.throw(
      ProtocolError,
      'implements test.Pricing',
    );
  });

  it('reaches other actors, and the outside, through its context', async () => {
    const { system } = testSystem();
    const price = system.spawn(pricing);
    price.observe({ symbol: 'ACME', price: 4 });
    const front = system.spawn(
      worker({
        work: async (_state, { value }, ctx) => {
          const read = await ctx.outside(Promise.resolve(value));
          const quote = await ctx.ref(Pricing, price.toRef()).quote({ symbol: 'ACME' }, ctx.options());
          return { value: quote.price + read };
        },
      }),
    );
    expect(await front.work({ value: 1 })).to.deep.equal({ value: 5 });
  });

  it('turns tells to a stopped actor into dead letters, and rejects asks', async () => {
    const { system, log } = testSystem();
    const letters: DeadLetter[] = [];
    const unsubscribe = system.deadLetters.subscribe((letter) => letters.push(letter));
    const ref = system.spawn(worker(), { name: 'gone' });
    await system.stop(ref);
    expect(ref.push({ value: 1 })).to.equal(false);
    expect(await rejection(ref.work({}))).to.be.instanceOf(StoppedError);
    expect(await rejection(ref.ready())).to.be.instanceOf(StoppedError);
    expect(letters).to.deep.equal([
      { path: 'test/gone', method: 'test.Worker.Push', message: { value: 1 }, reason: 'stopped' },
    ]);
    unsubscribe();
    for (let value = 0; value < 100; value++) ref.push({ value });
    expect(letters).to.have.length(1);
    expect(system.deadLetters.count).to.equal(101);
    expect(log.filter(({ message }) => message === 'dead letter')).to.have.length(1);
  });

  it('refuses names that are taken or unfit, and channel ids that are taken', async () => {
    const { system } = testSystem();
    system.spawn(worker(), { name: 'a', cUid: 77n });
    expect(() => system.spawn(worker(), { name: 'a' })).to.throw(ConfigError, 'test/a already exists');
    expect(() => system.spawn(worker(), { name: 'a/b' })).to.throw(ConfigError, 'a/b');
    expect(() => system.spawn(worker(), { cUid: 77n })).to.throw(ConfigError, 'channel id 77 of');
    expect(system.resolve(77n)?.service).to.equal(Worker);
    expect(system.resolve(78n)).to.equal(undefined);
    expect(system.statistics.actors).to.equal(1);
  });

  it('refuses behaviors that do not fit their service, at run time too', () => {
    const incomplete: object = { push: () => {} };
    const superfluous: object = { push: () => {}, work: () => ({}), wrok: () => ({}) };
    expect(() => void Reflect.apply(behavior, undefined, [Worker, incomplete])).to.throw(
      ConfigError,
      'no handler work',
    );
    expect(() => void Reflect.apply(behavior, undefined, [Worker, superfluous])).to.throw(ConfigError, 'wrok');
    const { push } = Worker.methods;
    const reserved = { typeName: 'test.Reserved', methods: { ready: push } };
    expect(() => behavior(reserved, { ready: () => {} })).to.throw(ConfigError, 'cannot be named ready');
  });

  it('spawns nothing after shutdown, which everybody may await', async () => {
    const { system } = testSystem();
    system.spawn(worker());
    const both = [system.shutdown(), system.shutdown()];
    expect(() => system.spawn(worker())).to.throw(StoppedError);
    await Promise.all(both);
  });

  it('replies later without holding the mailbox', async () => {
    const { system } = testSystem();
    const found = deferred<{ value: number }>();
    const handled: number[] = [];
    const ref = system.spawn(
      worker({
        push: (_state, { value }) => found.resolve({ value }),
        work: (_state, { value }) => {
          handled.push(value);
          return value === 3 ? later(Promise.reject(new Error('no such thing'))) : later(found.promise);
        },
      }),
    );
    const asks = Promise.all([ref.work({ value: 1 }), ref.work({ value: 2 })]);
    const failed = rejection(ref.work({ value: 3 }));
    ref.push({ value: 9 });
    expect(await asks).to.deep.equal([{ value: 9 }, { value: 9 }]);
    expect(handled).to.deep.equal([1, 2, 3]);
    expect(await failed)
      .to.be.instanceOf(HandlerError)
      .with.property('message', 'no such thing');
  });

  it('owes no reply after it has stopped', async () => {
    const { system } = testSystem();
    let isAsked = false;
    const ref = system.spawn(
      worker({
        work: () => {
          isAsked = true;
          return later(new Promise(() => {}));
        },
      }),
    );
    const asked = rejection(ref.work({}));
    await until(() => isAsked);
    await system.stop(ref);
    expect(await asked).to.be.instanceOf(StoppedError);
  });

  it('belongs to a system whose limits are checked', () => {
    const { scheduler } = testSystem();
    const make = (limits: object) => () =>
      new ActorSystem({ name: 'x', scheduler, logger: silentLogger, cUids: () => 1n, limits });
    expect(make({ throughputMessages: 0 })).to.throw(ConfigError, 'throughputMessages');
    expect(make({ askTimeoutMs: Number.NaN })).to.throw(ConfigError, 'askTimeoutMs');
  });
});
