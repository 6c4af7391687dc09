import { expect } from 'chai';
import { type ActorRef, later } from '#src/actors/kernel/index.js';
import {
  AskAbortedError,
  ConfigError,
  HandlerError,
  ProtocolError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { limits } from '#src/limits.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Chores, Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

for (const isReal of [false, true]) {
  describe(`messages over a link, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(endWorlds);

    async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
      const world = new PartitionWorld({ isReal, ...options });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      return { world, near, far };
    }

    it('are told, asked and answered on both lanes', async () => {
      const { world, near, far } = await setUp();
      const told: number[] = [];
      const take = (_state: undefined, { value }: { value: number }): void => void told.push(value);
      const ref = world.reach(near, Errands, far.system.spawn(errands({ push: take, urge: take })));
      expect(ref.push({ value: 1 })).to.equal(true);
      expect(ref.urge({ value: 2 })).to.equal(true);
      expect(await ref.run({ value: 3 })).to.deep.include({ value: 3 });
      expect(await ref.rush({ value: 4 })).to.deep.include({ value: 4 });
      expect(told).to.have.members([1, 2]);
      expect(ref.toString()).to.contain('test.Errands');
    });

    it('keep the order of each sender, receiver and lane', async () => {
      const { world, near, far } = await setUp({ jitterMs: 3 });
      const seen: number[] = [];
      const hasted: number[] = [];
      const ref = world.reach(
        near,
        Errands,
        far.system.spawn(
          errands({
            push: (_state, { value }) => void seen.push(value),
            urge: (_state, { value }) => void hasted.push(value),
          }),
        ),
      );
      const numbers = Array.from({ length: 3_000 }, (_none, index) => index);
      for (const value of numbers) {
        if (!ref.push({ value })) await ref.ready();
        ref.urge({ value });
      }
      await until('all to arrive', () => seen.length === numbers.length && hasted.length === numbers.length);
      expect(seen).to.deep.equal(numbers);
      expect(hasted).to.deep.equal(numbers);
    });

    it('are as they were when they were sent, whatever their sender does with them then, and need no fields', async () => {
      const { world, near, far } = await setUp();
      const told: unknown[] = [];
      const take = (_state: undefined, { value, load }: { value: number; load: Uint8Array }): void =>
        void told.push([value, load.length]);
      const ref = world.reach(near, Errands, far.system.spawn(errands({ push: take, run: () => ({ value: 5 }) })));
      const message: { value?: number; load?: Uint8Array } = {};
      ref.push(message);
      message.value = 1;
      message.load = new Uint8Array(limits.inlineFieldBytes * 3);
      ref.push(message);
      const asked = ref.run(message);
      message.value = 2;
      message.load = new Uint8Array(1);
      expect(await asked).to.deep.equal({ value: 5, load: new Uint8Array(0) });
      expect(told).to.deep.equal([
        [0, 0],
        [1, limits.inlineFieldBytes * 3],
      ]);
    });

    it('are refused at the call, by tells and asks alike, and dead letters have all fields', async () => {
      const { world, near, far } = await setUp();
      const there = far.system.spawn(errands());
      const ref = world.reach(near, Errands, there);
      for (const attempt of ['first', 'again', 'with a prefix']) {
        const wrong = { value: -1 };
        expect(() => ref.push(wrong), attempt).to.throw(ProtocolError, 'an integer from 0 to 4294967295');
        expect(await millraceRejection(ref.run(wrong)), attempt).to.be.instanceOf(ProtocolError);
        ref.push({ value: 1 });
        expect(await ref.run({ value: 3 })).to.deep.include({ value: 3 });
      }
      const letters: unknown[] = [];
      near.system.deadLetters.subscribe(({ message }) => letters.push(message));
      await far.system.stop(there);
      await millraceRejection(ref.run({}));
      ref.push({});
      await until('the dead letter', () => letters.length > 0);
      expect(letters).to.deep.equal([{ value: 0, load: new Uint8Array(0) }]);
    });

    it('answer an ask with what the handler threw, and its code', async () => {
      const { world, near, far } = await setUp();
      const ref = world.reach(
        near,
        Errands,
        far.system.spawn(
          errands({
            run: () => {
              throw new ConfigError('no such errand');
            },
            rush: () => later(Promise.reject(new Error('x'.repeat(20 * 1024 * 1024)))),
          }),
        ),
      );
      const error = await millraceRejection(ref.run({}));
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'CONFIG', message: 'no such errand' });
      const long = await millraceRejection(ref.rush({}));
      expect(long).to.be.instanceOf(HandlerError);
      expect(long.message.length).to.be.lessThan(5_000);
    });

    it('carry meta, the sender and the call chain', async () => {
      const { world, near, far } = await setUp();
      const back: { ref?: ActorRef<typeof Errands> } = {};
      const seen: unknown[] = [];
      const worker = far.system.spawn(
        errands({
          run: async (_state, { value }, context) => {
            seen.push(context.meta, context.sender?.cUid);
            return { value: (await back.ref?.rush({ value }))?.value ?? 0 };
          },
        }),
      );
      const there = world.reach(near, Errands, worker);
      const caller = near.system.spawn(errands({ run: (_state, { value }) => there.run({ value }) }));
      back.ref = world.reach(far, Errands, caller);
      const error = await millraceRejection(caller.run({ value: 1 }, { meta: { trace: '7' } }));
      expect(error).to.be.instanceOf(HandlerError);
      expect(error.message).to.match(
        /Errands\.Rush asked (a-\d\/Errands-\d), .*: \1 -> an actor of test\.Errands in partition \d+ -> \1\. Answer with later\(\), or use a tell/,
      );
      expect(seen).to.deep.equal([{ trace: '7' }, caller.toRef().cUid]);
    });

    it('reach an actor at an address, the own one too, over a link', async () => {
      const { near } = await setUp();
      near.system.spawn(errands(), { cUid: 2n });
      const itself = near.system.referenceTo(Errands, near.router.routeTo(near.address, 2n));
      expect(await itself.run({ value: 5 })).to.deep.include({ value: 5 });
      expect([...near.router.channels()]).to.have.length(2);
    });

    it('larger than a frame go in one of their own, up to maxMessageBytes', async () => {
      const { world, near, far } = await setUp({ linkLimits: { maxMessageBytes: 1_000_000 } });
      const ref = world.reach(near, Errands, far.system.spawn(errands()));
      const load = new Uint8Array(900_000).map((_none, index) => index % 251);
      const reply = await ref.run({ value: 1, load });
      expect(Buffer.compare(reply.load, load)).to.equal(0);
      const tooLarge = { load: new Uint8Array(1_000_000) };
      expect((await millraceRejection(ref.run(tooLarge))).message).to.contain('maxMessageBytes (1000000)');
      expect(() => ref.push(tooLarge)).to.throw(ProtocolError, 'Split it into several messages');
      expect(await ref.run({ value: 2 })).to.deep.include({ value: 2 });
    });

    it('too large as a reply fail the ask alone', async () => {
      const { world, near, far } = await setUp({ linkLimits: { maxMessageBytes: 100_000 } });
      const ref = world.reach(
        near,
        Errands,
        far.system.spawn(
          errands({ supervision: { onFailure: 'resume' }, run: () => ({ load: new Uint8Array(100_000) }) }),
        ),
      );
      expect(await millraceRejection(ref.run({}))).to.include({ code: 'HANDLER', handlerCode: 'PROTOCOL' });
      expect(await ref.rush({ value: 2 })).to.deep.include({ value: 2 });
    });

    it('to an actor that has stopped, or never was, fail at once', async () => {
      const { world, near, far } = await setUp();
      const worker = far.system.spawn(errands(), { cUid: 3n });
      const ref = near.system.referenceTo(Errands, near.router.routeTo(far.address, 3n));
      const reused = (): Promise<unknown> => ref.run({}, { timeoutMs: 60_000 });
      await reused();
      await far.system.stop(worker);
      expect(await millraceRejection(reused())).to.be.instanceOf(StoppedError);
      const unknown = near.system.referenceTo(Errands, near.router.routeTo(far.address, 4n));
      expect(await millraceRejection(unknown.rush({}, { timeoutMs: 60_000 }))).to.be.instanceOf(StoppedError);
      unknown.push({});
      await until('the tell to be counted', () => near.system.deadLetters.count === 1);
      expect(far.system.deadLetters.count).to.equal(0);
      // The same channel id, given to another actor, is that actor's.
      far.system.spawn(errands({ run: () => ({ value: 9 }) }), { cUid: 3n });
      expect(await reused()).to.deep.include({ value: 9 });
      expect(world.errors).to.deep.equal([]);
    });

    it('to an actor of this partition that has stopped need no link', async () => {
      const { near } = await setUp();
      const worker = near.system.spawn(errands());
      const record = worker.toRef();
      await near.system.stop(worker);
      const ref = near.system.reference(Errands, record);
      expect(await millraceRejection(ref.run({}))).to.be.instanceOf(StoppedError);
      expect([...near.router.channels()]).to.deep.equal([]);
    });

    it('of another service are refused, and counted', async () => {
      const { near, far } = await setUp();
      far.system.spawn(errands(), { cUid: 3n });
      const wrong = near.system.referenceTo(Chores, near.router.routeTo(far.address, 3n));
      wrong.push({ value: 1 });
      await until('it to be counted', () => far.router.protocolErrors === 1);
      const right = near.system.referenceTo(Errands, near.router.routeTo(far.address, 3n));
      expect(await right.run({ value: 1 })).to.deep.include({ value: 1 });
    });

    it('are not sent when they were aborted before', async () => {
      const { world, near, far } = await setUp();
      let runs = 0;
      const worker = far.system.spawn(errands({ run: (_state, { value }) => ({ value: value + ++runs }) }));
      const ref = world.reach(near, Errands, worker);
      const signal = AbortSignal.abort();
      expect(await millraceRejection(ref.run({}, { signal }))).to.be.instanceOf(AskAbortedError);
      await ref.rush({});
      expect(runs).to.equal(0);
    });

    it('to a partition that does not exist fail as soon as that is known', async () => {
      const { near } = await setUp();
      const ref = near.system.reference(Errands, { cUid: 2n ** 63n + (77n << 32n), service: 'test.Errands' });
      expect([...near.router.channels()], 'no link before the first use').to.deep.equal([]);
      expect((await millraceRejection(ref.run({}, { timeoutMs: 60_000 }))).message).to.contain('no partition 77');
      const nowhere = near.system.referenceTo(Errands, near.router.routeTo('memory://nobody/1', 2n));
      expect(await millraceRejection(nowhere.run({}))).to.be.instanceOf(UnreachableError);
    });
  });
}
