import { expect } from 'chai';
import nact from 'nact';
import { Nobody, type Ref, dispatch, query, spawn, spawnStateless, stop } from '#src/actors/nact/index.js';
import { BackpressureError, ConfigError, HandlerError, StoppedError } from '#src/errors.js';
import { closeSystems, testSystem } from '../kernel/harness.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';

type Question = { readonly sender: Ref<unknown> };

/** Answers every question with its state, and adds every number to it. */
const adder = (total = 0, msg: number | Question): number => {
  if (typeof msg === 'number') return total + msg;
  dispatch(msg.sender, total);
  return total;
};

const ask = (sender: Ref<unknown>): Question => ({ sender });

describe('spawn of millrace/nact', () => {
  afterEach(closeSystems);

  it('starts an actor whose function makes the next state of the last and a message', async () => {
    const { system } = testSystem();
    const actor = spawn(system, adder, 'adder');
    for (const step of [1, 2, 3]) dispatch(actor, step);
    expect(await query(actor, ask, 100)).to.equal(6);
  });

  it('begins with initialState, or with what initialStateFunc makes of the context', async () => {
    const { system } = testSystem();
    const given = spawn(system, adder, 'given', { initialState: 5 });
    const made = spawn(system, (name: string, msg: Question) => (dispatch(msg.sender, name), name), 'made', {
      initialState: 'not this',
      initialStateFunc: (ctx) => `I am ${ctx.name}`,
    });
    expect(await query(given, ask, 100)).to.equal(5);
    expect(await query(made, ask, 100)).to.equal('I am made');
  });

  it('goes on with a state that is false, 0, null or undefined', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const actor = spawn(system, (state: unknown, msg: unknown) => (seen.push(state), msg), 'echo', { initialState: 1 });
    for (const msg of [false, 0, null, undefined, 2]) dispatch(actor, msg);
    await until(() => seen.length === 5);
    expect(seen).to.deep.equal([1, false, 0, null, undefined]);
  });

  it('handles nothing synchronously, and one message at a time, promises included', async () => {
    const { system } = testSystem();
    const { promise, resolve } = deferred();
    const seen: string[] = [];
    const actor = spawn(
      system,
      async (count: number, msg: string) => {
        seen.push(`${msg} begins with ${count}`);
        if (msg === 'slow') await promise;
        seen.push(`${msg} ends`);
        return count + 1;
      },
      'steps',
      { initialState: 0 },
    );
    dispatch(actor, 'slow');
    dispatch(actor, 'fast');
    expect(seen).to.deep.equal([]);
    await until(() => seen.length === 1);
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(seen).to.deep.equal(['slow begins with 0']);
    resolve();
    await until(() => seen.length === 4);
    expect(seen).to.deep.equal(['slow begins with 0', 'slow ends', 'fast begins with 1', 'fast ends']);
  });

  it('gives the function its parent, path, self, name, children, sender and log, as the last argument and as this', async () => {
    const { system, log } = testSystem();
    const seen: unknown[] = [];
    const parent = spawn(
      system,
      function (this: unknown, _state: unknown, _msg: string, ctx) {
        const child = spawnStateless(ctx.self, () => {}, 'child');
        seen.push([this === ctx, ctx.parent === system, ctx.path.toString(), ctx.name, ctx.self === parent]);
        seen.push([...ctx.children.entries()].map(([name, ref]) => [name, ref === child]));
        seen.push(ctx.sender instanceof Nobody);
        ctx.log.info('hello');
      },
      'parent',
    );
    dispatch(parent, 'go');
    await until(() => seen.length === 3);
    expect(seen).to.deep.equal([
      [true, true, `${parent.system.name}://parent`, 'parent', true],
      [['child', true]],
      true,
    ]);
    expect(log.find(({ message }) => message === 'hello')?.fields).to.include({ actor: 'test/parent' });
  });

  it("writes what nact's loggers do to the log of the runtime", async () => {
    const { system, log } = testSystem();
    const actor = spawnStateless(system, (_msg: string, ctx) => {
      ctx.log.trace('a');
      ctx.log.debug('b');
      ctx.log.info('c');
      ctx.log.warn('d');
      ctx.log.error('e');
      ctx.log.critical('f');
      ctx.log.event('g', { by: 'me' });
      ctx.log.exception(new RangeError('h'));
      ctx.log.metric('i', { total: 3 });
    });
    dispatch(actor, 'go');
    await until(() => log.length === 9);
    expect(log.map(({ level, message }) => `${level} ${message}`)).to.deep.equal([
      'debug a',
      'debug b',
      'info c',
      'warn d',
      'error e',
      'error f',
      'info g',
      'error h',
      'info i',
    ]);
    expect(log[6]?.fields).to.deep.include({ event: { by: 'me' } });
    expect(log[8]?.fields).to.deep.include({ metric: { total: 3 } });
  });

  it('hands on the sender given to dispatch', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const collector = spawnStateless(system, (msg: string) => void seen.push(msg), 'collector');
    const echo = spawnStateless(system, (msg: string, ctx) => void dispatch(ctx.sender, `echo of ${msg}`), 'echo');
    dispatch(echo, 'a', collector);
    dispatch(echo, 'b');
    await until(() => seen.length === 1 && system.statistics.messages >= 5);
    expect(seen).to.deep.equal(['echo of a']);
  });

  it('names an actor that was given no name, and refuses one that is taken, unfit or no string', () => {
    const { system } = testSystem();
    const refs = [spawn(system, adder), spawn(system, adder)];
    expect(new Set(refs.map(({ name }) => name)).size).to.equal(2);
    spawn(system, adder, 'taken');
    expect(() => spawn(system, adder, 'taken')).to.throw(ConfigError, 'taken');
    expect(() => spawn(system, adder, 'no/slash')).to.throw(ConfigError, 'no/slash');
    // @ts-expect-error: a name is a string
    expect(() => spawn(system, adder, 7)).to.throw(ConfigError, 'string');
    // @ts-expect-error: a function is needed
    expect(() => spawn(system, undefined)).to.throw(ConfigError, 'function');
    expect(() => spawn(system, adder, 'late', { shutdownAfter: Number.NaN })).to.throw(ConfigError, 'shutdownAfter');
    // @ts-expect-error: no parent
    expect(() => spawn({}, adder)).to.throw(ConfigError, 'neither');
    expect(() => spawn(new Nobody(), adder)).to.throw(ConfigError, 'neither');
  });

  it('spawns under an actor, also before that has started, and no more when it has stopped', async () => {
    const { system } = testSystem();
    const parent = spawn(system, adder, 'parent');
    const child = spawn(parent, adder, 'child');
    expect(child.path.parts).to.deep.equal(['parent', 'child']);
    dispatch(child, 4);
    expect(await query(child, ask, 100)).to.equal(4);
    stop(parent);
    await until(() => system.statistics.actors === 0);
    expect(() => spawn(parent, adder)).to.throw(StoppedError);
    expect(await rejection(query(child, ask, 100))).to.be.instanceOf(StoppedError);
  });

  it('stops children before their parent, and calls afterStop once with the last state', async () => {
    const { system } = testSystem();
    const seen: string[] = [];
    const afterStop = (total: number, { name }: { name: string }): void => void seen.push(`${name} ${total}`);
    const parent = spawn(system, adder, 'parent', { initialState: 1, afterStop });
    const child = spawn(parent, adder, 'child', { initialState: 2, afterStop });
    dispatch(child, 40);
    await query(child, ask, 100);
    stop(parent);
    await until(() => system.statistics.actors === 0);
    expect(seen).to.deep.equal(['child 42', 'parent 1']);
  });

  it('makes what is sent to a stopped actor a dead letter', async () => {
    const { system } = testSystem();
    const lost: unknown[] = [];
    const actor = spawn(system, adder, 'gone');
    system.deadLetters.subscribe(({ path, reason }) => lost.push([path, reason]));
    stop(actor);
    stop(actor);
    expect(dispatch(actor, 1)).to.equal(false);
    expect(lost).to.deep.equal([['test/gone', 'stopped']]);
  });

  it('bounds the mailbox', async () => {
    const { system } = testSystem();
    const actor = spawn(system, adder, 'small', { mailbox: { capacity: 2 } });
    expect([dispatch(actor, 1), dispatch(actor, 2)]).to.deep.equal([true, false]);
    expect(() => dispatch(actor, 3)).to.throw(BackpressureError);
    await actor.ready();
    expect(dispatch(actor, 4)).to.equal(true);
    expect(await query(actor, ask, 100)).to.equal(7);
  });

  it('stops an actor that had nothing to do for shutdownAfter', async () => {
    const { system, scheduler } = testSystem();
    const stoppedAt: number[] = [];
    const afterStop = (): void => void stoppedAt.push(scheduler.now());
    const actor = spawn(system, adder, 'idle', { shutdownAfter: 100, afterStop });
    for (const atMs of [60, 120, 200]) scheduler.setTimer(atMs, () => dispatch(actor, 1));
    await until(() => stoppedAt.length === 1);
    expect(stoppedAt).to.deep.equal([300]);
  });

  it('counts no idle time while the function is at work', async () => {
    const { system, scheduler } = testSystem();
    const seen: string[] = [];
    const actor = spawnStateless(
      system,
      (msg: string) =>
        new Promise<void>(
          (resolve) => void scheduler.setTimer(500, () => (seen.push(`${msg} at ${scheduler.now()}`), resolve())),
        ),
      'busy',
      { shutdownAfter: 100 },
    );
    dispatch(actor, 'one');
    dispatch(actor, 'two');
    await until(() => system.statistics.actors === 0);
    expect(seen).to.deep.equal(['one at 500', 'two at 1000']);
    expect(scheduler.now()).to.equal(1100);
  });

  it('stands in the tree of nact, whose own functions work', async () => {
    const { system } = testSystem({}, { isReal: true });
    const actor = spawn(spawn(system, adder, 'parent'), adder, 'adder');
    nact.dispatch(actor, 2);
    expect(await nact.query(actor, (sender: object) => ({ sender }), 100)).to.equal(2);
    expect(() => nact.spawnStateless(actor, () => {}, 'child')).to.throw(ConfigError, 'millrace/nact');
    nact.stop(actor);
    await until(() => system.statistics.actors === 1);
  });

  it('dispatches to stock actors of nact, whose answers find their way back', async () => {
    const { system } = testSystem({}, { isReal: true });
    const stock = nact.start();
    try {
      const far = nact.spawnStateless(stock, (msg: Question) => nact.dispatch(msg.sender, 'from afar'), 'far');
      const near = spawnStateless(system, (msg: Question) => void dispatch(far as Ref<unknown>, msg), 'near');
      expect(await query(near, ask, 500)).to.equal('from afar');
    } finally {
      nact.stop(stock);
    }
  });
});

describe('query of millrace/nact', () => {
  afterEach(closeSystems);

  it('resolves with whatever is dispatched to its sender, by whomever, also after the function has returned', async () => {
    const { system, scheduler } = testSystem();
    const late = spawnStateless(
      system,
      ({ sender }: Question) => void scheduler.setTimer(50, () => dispatch(sender, 'late')),
      'late',
    );
    const relay = spawnStateless(
      system,
      (msg: Question, ctx) => {
        dispatch(late, msg);
        stop(ctx.self);
      },
      'relay',
    );
    expect(await query(relay, ask, 100)).to.equal('late');
    expect(scheduler.now()).to.equal(50);
  });

  it('resolves as soon as it is answered, while the function goes on', async () => {
    const { system, scheduler } = testSystem();
    const actor = spawnStateless(system, async ({ sender }: Question) => {
      dispatch(sender, 1);
      dispatch(sender, 2);
      await new Promise<void>((resolve) => void scheduler.setTimer(1_000, resolve));
    });
    expect(await query(actor, ask, 100)).to.equal(1);
    expect(scheduler.now()).to.equal(0);
  });

  it('takes a message as it is, which is answered through ctx.sender', async () => {
    const { system } = testSystem();
    const actor = spawnStateless(system, (msg: number, ctx) => void dispatch(ctx.sender, msg + 1));
    expect(await query(actor, 1, 100)).to.equal(2);
  });

  it('rejects at its deadline, and a request that is past it is not handled', async () => {
    const { system, scheduler } = testSystem();
    const { promise, resolve } = deferred();
    const seen: string[] = [];
    const actor = spawnStateless(system, (msg: { name: string }) => (seen.push(msg.name), promise));
    const first = rejection(query(actor, () => ({ name: 'first' }), 100));
    const second = rejection(query(actor, () => ({ name: 'second' }), 200));
    expect(await first).to.include({ code: 'ASK_TIMEOUT' });
    expect(await second).to.include({ code: 'ASK_TIMEOUT' });
    expect(scheduler.now()).to.equal(200);
    resolve();
    dispatch(actor, { name: 'third' });
    await until(() => seen.length === 2);
    expect(seen).to.deep.equal(['first', 'third']);
  });

  it('needs a timeout', () => {
    const { system } = testSystem();
    const actor = spawnStateless(system, () => {});
    for (const timeout of [0, -1, Number.NaN, undefined]) {
      // @ts-expect-error: a timeout is needed
      expect(() => query(actor, {}, timeout)).to.throw(ConfigError, 'timeout');
    }
  });

  it('rejects at once when the function fails, when the actor stops first, or asks itself', async () => {
    const { system, scheduler } = testSystem();
    const failing = spawnStateless(system, (_msg: Question) => {
      throw new RangeError('too far');
    });
    const failure = await rejection(query(failing, ask, 100));
    expect(failure).to.be.instanceOf(HandlerError).with.property('message', 'too far');
    const circular: Ref<Question> = spawnStateless(system, (msg: Question) =>
      query(circular, ask, 50).then((it) => dispatch(msg.sender, it)),
    );
    expect(await rejection(query(circular, ask, 100)))
      .to.be.instanceOf(HandlerError)
      .with.property('handlerCode', 'REENTRANT_ASK');
    const busy = spawnStateless(system, () => new Promise<void>((resolve) => void scheduler.setTimer(10, resolve)));
    dispatch(busy, 0);
    await until(() => system.statistics.messages > 5);
    const waiting = rejection(query(busy, 0, 100));
    stop(busy);
    expect(await waiting).to.be.instanceOf(StoppedError);
    expect(scheduler.now()).to.be.lessThan(50);
  });

  it('fails when the message cannot be made', async () => {
    const { system } = testSystem();
    const actor = spawn(system, adder);
    const failure = await rejection(
      query(
        actor,
        () => {
          throw new RangeError('no message');
        },
        100,
      ),
    );
    expect(failure).to.be.instanceOf(RangeError);
  });
});
