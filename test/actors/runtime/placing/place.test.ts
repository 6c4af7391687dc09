import { expect } from 'chai';
import {
  AskAbortedError,
  CapacityError,
  ConfigError,
  HandlerError,
  MillraceError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { messageHash } from '#src/actors/control-plane/index.js';
import { type ActorRef, behavior, type DeadLetter, type Failure } from '#src/actors/kernel/index.js';
import { component, type Runtime } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection, rejection } from '../../../support/rejection.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { describePlacements, sharedRuntime, TWO_PARTITIONS, until } from '../harness.js';
import { ending } from './ending.js';
import { adder, keyed, lost, nowhere, other, thrower } from './components.js';

describePlacements('placing an actor', (newCluster) => {
  const shared = sharedRuntime(newCluster, TWO_PARTITIONS);

  /** The process under test, and a partition that is not the program's event loop: of its own, or of another virtual process. */
  async function opened() {
    const { cluster, runtime } = await shared();
    const [, second = 0] = runtime.ordinals;
    return { cluster, runtime, second };
  }

  describe('a placed actor', () => {
    it('is told, asked, streamed and stopped in another partition, as any actor', async () => {
      const { runtime, second } = await opened();
      const ref = await runtime.place(adder, { args: { start: 5 }, on: { partition: second } });
      ref.push({ value: 2 });
      expect((await ref.run({ value: 1 })).value).to.equal(8);
      const read: number[] = [];
      for await (const { value } of ref.list({ value: 3 })) read.push(value);
      expect(read).to.deep.equal([0, 1, 2]);
      const end = ending(runtime, ref);
      await runtime.stopActor(ref);
      expect((await end).reason).to.equal('stopped');
      expect(await rejection(ref.run({ value: 1 }))).to.be.instanceOf(StoppedError);
    });

    it('runs beside the event loop of the program when nothing is said', async () => {
      const { cluster, runtime } = await opened();
      const refs = await runtime.place(adder, { instances: 2, name: 'adder' });
      expect(refs.map((ref) => Number((ref.toRef().cUid - 2n ** 63n) >> 32n))).to.deep.equal([
        runtime.ordinals[1],
        runtime.ordinals[1],
      ]);
      const pids = await Promise.all(refs.map(async (ref) => (await ref.rush({})).value));
      expect(pids.every((pid) => (pid === process.pid) === (cluster.placement !== 'process'))).to.equal(true);
    });

    it('takes a message as its arguments', async () => {
      const { runtime } = await opened();
      const ref = await runtime.place(keyed, { args: { id: 3, key: 'four' } });
      expect((await ref.run({})).value).to.equal(7);
    });

    it('has arguments of its own among several', async () => {
      const { runtime } = await opened();
      const refs = await runtime.place(keyed, { instances: 3, args: (index) => ({ id: index, key: '' }) });
      expect(await Promise.all(refs.map(async (ref) => (await ref.run({})).value))).to.deep.equal([0, 1, 2]);
      const refused = new RangeError('there are two');
      const third = (index: number) => {
        if (index > 1) throw refused;
        return { id: index };
      };
      expect(await rejection(runtime.place(keyed, { instances: 3, args: third }))).to.equal(refused);
    });

    it('of another process of the cluster ends with the process that has placed it, unless it is detached', async () => {
      const { cluster, runtime } = await opened();
      const placer = await cluster.start({ node: 'far' });
      const node = runtime.node;
      const held = await placer.place(adder, { on: { node }, register: 'held' });
      await placer.place(adder, { args: { start: 7 }, on: { node }, register: 'kept', detached: true });
      expect((await held.run({ value: 2 })).value).to.equal(2);
      const seen = await runtime.lookup(Errands, 'held');
      const end = ending(runtime, seen);
      await placer.stop();
      expect((await end).reason).to.equal('stopped');
      expect((await (await runtime.lookup(Errands, 'kept')).run({ value: 0 })).value).to.equal(7);
      expect(await rejection(runtime.lookup(Errands, 'held', { timeoutMs: 200 }))).to.include({ code: 'ASK_TIMEOUT' });
    });

    it('is given up when its caller aborts the call, and nothing of it is left', async () => {
      const { runtime } = await opened();
      const over = new AbortController();
      const placing = rejection(runtime.place(adder, { register: 'given up', signal: over.signal }));
      over.abort('enough');
      const error = await placing;
      expect(error).to.be.instanceOf(AskAbortedError).with.property('cause', 'enough');
      expect(error).to.have.property('message').that.includes('"adder"');
      await runtime.place(adder, { register: 'given up' });
    });

    it('must be of a component, and a behavior is not shown with all that it has', async () => {
      const { runtime } = await opened();
      const error = await rejection(runtime.place(errandRunner() as never));
      expect(error).to.be.instanceOf(ConfigError);
      expect(error)
        .to.have.property('message')
        .that.includes('a behavior of test.Errands')
        .and.includes('runtime.spawn');
    });

    it('ends with its parent', async () => {
      const { runtime } = await opened();
      const parent = runtime.spawn(errandRunner());
      const ref = await runtime.place(adder, { parent });
      const end = ending(runtime, ref);
      await runtime.stopActor(parent);
      expect((await end).reason).to.equal('stopped');
    });

    it('that fails is one of the failures of the process that has placed it, with its error', async () => {
      const { runtime, second } = await opened();
      const failures: Failure[] = [];
      runtime.failures.subscribe((failure) => failures.push(failure));
      const ref = await runtime.place(adder, { on: { partition: second }, name: 'unlucky' });
      const end = ending(runtime, ref);
      ref.push({ value: 13 });
      expect(await end).to.include({ reason: 'failed' });
      await until(() => failures.length > 0);
      expect(failures.map(({ path }) => path)).to.deep.equal([`node-0.process-0-1/unlucky`]);
      expect(failures[0]?.error.message).to.equal('13 is refused');
    });

    it('has its dead letters and its troubles heard where it was placed from', async () => {
      const { runtime, second } = await opened();
      const letters: DeadLetter[] = [];
      runtime.deadLetters.subscribe((letter) => letters.push(letter));
      const ref = await runtime.place(adder, { on: { partition: second }, name: 'small' });
      // The first is being handled, or waits; what comes behind the fatal one is for nobody.
      for (const value of [1, 13, 2]) ref.push({ value });
      await until(() => letters.length > 0);
      const path = 'node-0.process-0-1/small';
      expect(letters.map(({ message: _message, ...about }) => about)).to.deep.equal([
        { path, method: 'test.Errands.Push', reason: 'stopped' },
      ]);
      expect((await millraceRejection(ref.run({ value: 1 }))).message).to.include(path);
      const troubles = () => runtime.health().troubles.filter(({ actor }) => actor === path);
      await until(() => troubles().length > 0);
      expect(troubles().map(({ state, error }) => ({ state, error }))).to.deep.equal([
        { state: 'ended', error: '13 is refused' },
      ]);
    });

    it('is refused with a typed error, and leaves nothing, when it cannot be placed', async () => {
      const { cluster, runtime, second } = await opened();
      const on = { partition: second };
      const refused = async (work: Promise<unknown>, type: unknown, message: RegExp): Promise<void> => {
        const error = await rejection(work);
        expect(error).to.be.instanceOf(type);
        expect(String(error)).to.match(message);
      };
      await refused(runtime.place(lost, { on }), ConfigError, /The module .*not-there.js cannot be loaded/);
      await refused(runtime.place(other, { on }), ConfigError, /exports no component "other".*: none/);
      await refused(runtime.place(nowhere, { on }), ConfigError, /"nowhere" has no module URL/);
      await refused(
        runtime.place(thrower, { on }),
        HandlerError,
        /factory of component "thrower" threw RangeError: no such device/,
      );
      await refused(runtime.place(adder, { on: { label: 'gpu' } }), UnreachableError, /label "gpu"/);
      await refused(runtime.place(adder, { on: { node: 'nobody' } }), UnreachableError, /node "nobody"/);
      await refused(runtime.place(adder, { on: { partition: 7 } }), UnreachableError, /partition 7/);
      const none = cluster.placement === 'thread' ? 'processes' : 'threads';
      await refused(runtime.place(adder, { on: none }), ConfigError, /no partition/);
      await runtime.place(adder, { on, name: 'taken', register: 'taken' });
      await refused(runtime.place(adder, { on, name: 'taken' }), ConfigError, /taken already exists/);
      await refused(
        runtime.place(adder, { on, name: 'new', register: 'taken' }),
        ConfigError,
        /The name "taken" is taken/,
      );
      await runtime.place(adder, { on, name: 'new' });
    });

    it('is refused by a partition that is full, and by the next one if all are', async () => {
      const cluster = newCluster();
      const runtime = await cluster.start({ system: { partitions: 3 }, maxPlacedActors: 2 });
      const refs = await runtime.place(adder, { instances: 4 });
      const error = await rejection(runtime.place(adder));
      expect(error).to.be.instanceOf(CapacityError);
      expect(String(error)).to.match(/each of 2 partitions is full/);
      const [ref] = refs;
      if (ref === undefined) throw new Error('four were placed');
      await runtime.stopActor(ref);
      await runtime.place(adder);
      expect(await rejection(runtime.place(adder, { instances: 2 }))).to.be.instanceOf(CapacityError);
    });

    it('is not left behind when the runtime stops while it is placed', async () => {
      const runtime = await newCluster().start(TWO_PARTITIONS);
      const placing = runtime.place(adder).catch((error: unknown) => {
        expect(error).to.be.instanceOf(StoppedError);
      });
      await runtime.stop();
      // A stop waits a little for other threads and processes, so that the actor may have been there.
      const placed = await placing;
      if (placed !== undefined) expect(await rejection(placed.run({}))).to.be.instanceOf(MillraceError);
      expect(await rejection(runtime.place(adder))).to.be.instanceOf(StoppedError);
    });
  });

  describe('a spawner', () => {
    it('starts one actor for a request that is repeated, and none for one that was withdrawn before it arrived', async () => {
      const { runtime, second } = await opened();
      const spawner = await runtime.lookup(v1.Spawner, `millrace/spawner/${second}`);
      const placer = runtime.spawn(behavior(v1.Placer, { leaving: () => ({}) })).toRef();
      const { definition } = adder;
      const hash = messageHash(v1.ComponentDefinition, definition);
      const request = { placer, component: definition, hash, args: adder.encodeArgs({ start: 1 }) };
      const twice = await Promise.all([spawner.place({ ...request, id: 1 }), spawner.place({ ...request, id: 1 })]);
      expect(twice[0].actor).to.not.equal(undefined);
      expect(twice[1].actor).to.deep.equal(twice[0].actor);
      await spawner.withdraw({ placer, id: 2 });
      expect((await spawner.place({ ...request, id: 2 })).refused).to.include({ code: 'STOPPED' });
      await spawner.withdraw({ placer, id: 1 });
      expect((await spawner.place({ ...request, id: 1 })).actor).to.deep.equal(twice[0].actor);
      const malformed = await spawner.place({ ...request, id: 3, args: new Uint8Array([255]) });
      expect(malformed.refused).to.include({ code: 'PROTOCOL' });
      const foreign = await spawner.place({ ...request, id: 4, hash: 'another' });
      expect(foreign.refused).to.include({ code: 'CONFIG' });
    });
  });

  describe('runtime.place', () => {
    it('refuses options that are wrong before anything is sent', async () => {
      const { runtime } = await opened();
      const untyped = (value: unknown): never => value as never;
      const refused = async (work: Promise<unknown>, message: RegExp): Promise<void> => {
        const error = await rejection(work);
        expect(error).to.be.instanceOf(ConfigError);
        expect(String(error)).to.match(message);
      };
      await refused(runtime.place(untyped(errandRunner())), /needs a component/);
      await refused(runtime.place(adder, { on: untyped('moon') }), /on of runtime.place must be/);
      await refused(runtime.place(adder, { on: untyped({}) }), /on of runtime.place must be/);
      await refused(runtime.place(adder, { on: untyped({ rack: 1 }) }), /has no option rack/);
      await refused(runtime.place(adder, { on: untyped({ partition: -1 }) }), /partition of on/);
      await refused(runtime.place(adder, { instances: 0 }), /instances of runtime.place/);
      await refused(runtime.place(adder, { instances: 2, register: 'one' }), /Only one actor/);
      await refused(runtime.place(adder, { register: 'one', group: 'one' }), /of one actor and of a group/);
      await refused(runtime.place(adder, { standby: true }), /needs register/);
      await refused(runtime.place(adder, { parent: untyped({}) }), /parent of runtime.place/);
      await refused(runtime.place(adder, { args: { start: Number.NaN } }), /must be JSON.*args.start/);
    });
  });
});

describe('a component', () => {
  it('that is declared wrongly is a ConfigError', () => {
    // Calls what the compiler refuses, as a user of JavaScript may.
    const untyped = (value: unknown): never => value as never;
    const factory = () => errandRunner();
    const refused = (make: () => unknown, message: string) => expect(make).to.throw(ConfigError, message);
    refused(() => component('a b', undefined, Errands, factory), 'letters, digits');
    refused(() => component('a', undefined, untyped({}), factory), 'needs a service');
    refused(() => component('a', undefined, Errands, untyped(undefined)), 'needs a factory');
    refused(() => component('a', undefined, Errands, factory, { onFailure: untyped('retry') }), 'fail or restart');
    refused(() => component('a', undefined, Errands, factory, { args: untyped('Row') }), 'message type');
  });
});

/** Never called: the compiler checks it, and reports a `@ts-expect-error` without an error. */
export async function typed(runtime: Runtime): Promise<void> {
  const strict = component('strict', undefined, Errands, (args: { readonly depth: number }) =>
    errandRunner({ run: () => ({ value: args.depth }) }),
  );
  const one: ActorRef<typeof Errands> = await runtime.place(strict, { args: { depth: 1 } });
  const many: readonly ActorRef<typeof Errands>[] = await runtime.place(strict, { args: { depth: 1 }, instances: 2 });
  // @ts-expect-error: the arguments are missing
  await runtime.place(strict);
  await runtime.place(strict, { args: (index) => ({ depth: index }), instances: 2 });
  // @ts-expect-error: an argument is of another type
  await runtime.place(strict, { args: { depth: 'deep' } });
  // @ts-expect-error: one actor has no number
  await runtime.place(strict, { args: (index: number) => ({ depth: index }) });
  // @ts-expect-error: a field of the message is of another type
  await runtime.place(keyed, { args: { id: 'one' } });
  void [one, many, await runtime.place(keyed), await runtime.place(keyed, { args: { id: 1 } })];
}
