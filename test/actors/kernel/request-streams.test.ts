import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { HandlerError, ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { numbersBelow as counted, silentAfter } from '../../support/sources.js';
import { someTurns, until } from '../../support/until.js';
import { closeSystems, loader, testSystem } from './harness.js';

for (const isReal of [false, true]) {
  describe(`a stream of requests in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    const setUp = (limits = {}) => testSystem(limits, { isReal });

    it('is read by the handler to its end, in order, whatever the source is', async () => {
      const { system } = setUp();
      const seen: number[] = [];
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            for await (const { value } of requests) seen.push(value);
            return { value: seen.length };
          },
        }),
      );
      for (const source of [counted(50), upTo(50).map((value) => ({ value })), new Set([{ value: 7 }]), []]) {
        seen.length = 0;
        const { value } = await ref.load(source);
        expect(seen).to.deep.equal(source instanceof Set ? [7] : upTo(value));
      }
      expect(await ref.load(counted(50))).to.deep.equal({ value: 50 });
    });

    it('is answered while it goes on, both ways', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader());
      expect(await readAll(ref.chat(counted(100)))).to.deep.equal({ values: upTo(100).map((value) => value * 2) });
    });

    it('is a conversation: each request may depend on the reply before it', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader());
      let last = 1;
      const talk = ref.chat(
        (async function* () {
          while (last < 1_000) yield { value: last };
        })(),
        { windowItems: 1 },
      );
      for await (const { value } of talk) last = value;
      expect(last).to.equal(1_024);
    });

    it('is not touched before the handler reads', async () => {
      const { system } = setUp();
      let taken = 0;
      const ref = system.spawn(loader({ load: () => ({ value: 3 }) }));
      expect(await ref.load(counted(9, () => taken++))).to.deep.equal({ value: 3 });
      const chat = ref.chat(counted(9, () => taken++));
      await ref.work({});
      expect(taken).to.equal(0);
      await chat.return();
    });

    it('is never ahead of its reader by more than the window', async () => {
      const { system } = setUp();
      let taken = 0;
      let read = 0;
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            for await (const _request of requests) {
              read++;
              for (let wait = 0; wait < 40; wait++) await Promise.resolve();
              expect(taken).to.be.at.most(read + limits.rpcStreamItems);
            }
            return { value: read };
          },
        }),
      );
      expect(await ref.load(counted(300, () => taken++))).to.deep.equal({ value: 300 });
    });

    it('lets its actor handle other messages while the handler waits for the next request', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader());
      let go: (() => void) | undefined;
      const loaded = ref.load(counted(3, (value) => value === 2 && new Promise<void>((resolve) => (go = resolve))));
      const chats = upTo(5).map(() => ref.chat(counted(1, () => new Promise<void>(() => {}))));
      const reads = chats.map((chat) => chat.next());
      expect(await ref.work({ value: 4 })).to.deep.equal({ value: 4 });
      await until(() => go !== undefined && system.statistics.openStreams > 5);
      expect(await ref.work({ value: 5 })).to.deep.equal({ value: 5 });
      go?.();
      expect(await loaded).to.deep.equal({ value: 3 });
      await Promise.all(chats.map((chat) => chat.return()));
      await Promise.all(reads);
    });

    it('has a bound: a handler that waits beside too many others holds the mailbox', async () => {
      // In virtual time the calls would expire while the test waits.
      const { system } = testSystem({ actorStreams: 3 }, { isReal: true });
      const ref = system.spawn(loader());
      const sources = upTo(4).map(() => silentAfter(1));
      const [first, ...others] = sources.map(({ numbers }) => {
        const controller = new AbortController();
        return { load: rejection(ref.load(numbers, { signal: controller.signal })), controller };
      });
      await until(() => sources.every(({ asked }) => asked === 2));
      const work = ref.work({ value: 7 });
      await someTurns();
      expect(system.unfinished().messages).to.equal(1);
      for (const { controller } of others) controller.abort();
      expect(await work).to.deep.equal({ value: 7 });
      first?.controller.abort();
      await Promise.all([first, ...others].map(async (one) => one?.load));
    });

    it('never runs two handlers of an actor at a time: between its reads a handler is alone', async () => {
      const { system } = setUp();
      let inside = 0;
      const alone = async (): Promise<void> => {
        expect(++inside).to.equal(1);
        await Promise.resolve();
        await Promise.resolve();
        inside--;
      };
      const ref = system.spawn(
        loader({
          work: async (_state, { value }) => {
            await alone();
            return { value };
          },
          load: async (_state, requests) => {
            for await (const _request of requests) await alone();
            return {};
          },
          chat: async function* (_state, requests) {
            for await (const request of requests) {
              await alone();
              yield request;
            }
          },
        }),
      );
      const work = upTo(20).map((value) => ref.work({ value }));
      await Promise.all([
        ...work,
        ...upTo(4).map(() => ref.load(counted(30, () => Promise.resolve()))),
        ...upTo(4).map(async () => expect((await readAll(ref.chat(counted(30)))).values).to.have.length(30)),
      ]);
      expect(inside).to.equal(0);
    });

    it('of a fast caller starves no other message', async () => {
      const { system } = setUp();
      let read = 0;
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            for await (const _request of requests) read++;
            return {};
          },
        }),
      );
      const loaded = ref.load(counted(20_000));
      await until(() => read > 10);
      const before = read;
      await ref.work({});
      expect(read - before).to.be.below(200);
      await loaded;
    });

    it('is checked: what is no message fails the call, and the error says which it was', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader());
      const error = await ref.load([{ value: 1 }, 7 as never]).catch((cause: unknown) => cause);
      expect(error).to.be.instanceOf(ProtocolError);
      expect(String(error)).to.match(/request 1 of test.Loading.Load must be a message/);
      const { error: chatError } = await readAll(ref.chat([{ value: 1 }, undefined as never]));
      expect(chatError).to.be.instanceOf(ProtocolError);
      for (const wrong of [undefined, 7, 'text', { value: 1 }]) {
        const refused = await ref.load(wrong as never).catch((cause: unknown) => cause);
        expect(refused).to.be.instanceOf(ProtocolError);
        expect(String(refused)).to.match(/needs an iterable/);
        expect((await readAll(ref.chat(wrong as never))).error).to.be.instanceOf(ProtocolError);
      }
      expect(await ref.load([{}])).to.deep.equal({ value: 0 });
    });

    it('may be read beside its handler, which answers later', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        loader({
          load: (_state, requests) =>
            later(
              (async () => {
                let sum = 0;
                for await (const { value } of requests) sum += value;
                return { value: sum };
              })(),
            ),
        }),
      );
      expect(await ref.load(counted(10))).to.deep.equal({ value: 45 });
      const source = silentAfter(1);
      const controller = new AbortController();
      const aborted = rejection(ref.load(source.numbers, { signal: controller.signal }));
      await until(() => source.asked === 2);
      controller.abort();
      await aborted;
      await until(() => source.closed === 1 && system.unfinished().handlers === 0);
      expect(system.statistics.failures, 'that its caller has left is no failure').to.equal(0);
    });

    it('is passed on to another actor', async () => {
      const { system } = setUp();
      const inner = system.spawn(loader());
      const outer = system.spawn(
        loader({
          load: (_state, requests) => inner.load(requests),
          chat: (_state, requests) => inner.chat(requests),
        }),
      );
      expect(await outer.load(counted(30))).to.deep.equal({ value: 435 });
      expect((await readAll(outer.chat(counted(30)))).values).to.have.length(30);
      let isClosed = false;
      const endless = (async function* () {
        try {
          for (let value = 0; ; value++) yield { value };
        } finally {
          isClosed = true;
        }
      })();
      for await (const { value } of outer.chat(endless)) if (value > 20) break;
      await until(() => isClosed);
    });

    it('is no message for nact', async () => {
      const { system } = setUp();
      const { dispatch } = await import('#src/actors/nact/index.js');
      const ref = system.spawn(loader());
      for (const name of ['load', 'chat']) {
        expect(() => dispatch(ref as never, { [name]: [{}] } as never)).to.throw('streams its requests');
      }
    });

    it('that the handler cannot take fails as its call does', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            await requests.next();
            throw new TypeError('too heavy');
          },
        }),
      );
      let isClosed = false;
      const source = async function* () {
        try {
          for (;;) yield {};
        } finally {
          isClosed = true;
        }
      };
      const error = await ref.load(source()).catch((cause: unknown) => cause);
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerName: 'TypeError' });
      await until(() => isClosed);
      expect(await ref.work({ value: 1 })).to.deep.equal({ value: 1 });
    });
  });
}
