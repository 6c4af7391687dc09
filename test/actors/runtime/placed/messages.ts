import { expect } from 'chai';
import { type DeadLetter, later } from '#src/actors/kernel/index.js';
import {
  AskAbortedError,
  AskTimeoutError,
  ConfigError,
  HandlerError,
  ProtocolError,
  Refusal,
  RefusedError,
  StoppedError,
} from '#src/errors.js';
import { Timestamp } from '#src/protocol/index.js';
import { upTo } from '../../../support/numbers.js';
import { millraceRejection, rejection } from '../../../support/rejection.js';
import { until } from '../harness.js';
import { type Case, subject } from './subject.js';

const never = (): Promise<never> => new Promise(() => {});

export const messages: readonly Case[] = [
  {
    title: 'handles tells in their order, each once',
    make: (report) => subject({ tell: (_state, { value }, context) => report(context, value) }),
    check: async ({ ref, reported }) => {
      for (const value of upTo(200)) ref.tell({ value });
      await reported(upTo(200).join(' '));
    },
  },
  {
    title: 'sees every field of a message filled',
    make: (report) => subject({ tell: (_state, note, context) => report(context, JSON.stringify(note)) }),
    check: async ({ ref, reported }) => {
      ref.tell({});
      await reported('{"value":0,"text":""}');
    },
  },
  {
    title: 'gets tells of both lanes, and large ones whole',
    make: (report) =>
      subject({
        tell: (_state, { text }, context) => report(context, text.length),
        urge: (_state, { value }, context) => report(context, `urged-${value}`),
      }),
    check: async ({ ref, reports }) => {
      ref.tell({ text: 'x'.repeat(300_000) });
      ref.urge({ value: 1 });
      await until(() => reports.length === 2);
      expect(reports).to.have.members(['300000', 'urged-1']);
    },
  },
  {
    title: 'handles nothing else while a handler awaits',
    make: (report) =>
      subject({
        tell: async (_state, { value }, context) => {
          report(context, `begin-${value}`);
          await new Promise<void>((resolve) => void context.scheduler.setTimer(5, resolve));
          report(context, `end-${value}`);
        },
      }),
    check: async ({ ref, reported }) => {
      ref.tell({ value: 1 });
      ref.tell({ value: 2 });
      await reported('begin-1 end-1 begin-2 end-2');
    },
  },
  {
    title: 'knows the meta of a message',
    make: (report) => subject({ tell: (_state, _note, context) => report(context, JSON.stringify(context.meta)) }),
    check: async ({ ref, reported }) => {
      ref.tell({}, { meta: { tenant: 'a' } });
      await reported('{"tenant":"a"}');
    },
  },
  {
    title: 'loses nothing of a sender who waits until there is room',
    make: (report) =>
      subject({
        mailbox: { capacity: 8 },
        tell: async (_state, { value }, context) => {
          await Promise.resolve();
          report(context, value);
        },
      }),
    check: async ({ ref, reported }) => {
      for (const value of upTo(100)) if (!ref.tell({ value })) await ref.ready();
      await reported(upTo(100).join(' '));
    },
  },
  {
    title: 'gets a tell that waits for room when there is some',
    make: (report) =>
      subject({
        mailbox: { capacity: 4 },
        tell: async (_state, { value }, context) => {
          await Promise.resolve();
          report(context, value);
        },
      }),
    check: async ({ ref, reported }) => {
      for (const value of upTo(50)) await ref.whenReady.tell({ value });
      await reported(upTo(50).join(' '));
    },
  },
  {
    title: 'knows which actor has sent a message, and that the program is none',
    make: (report) => {
      const child = subject({ tell: (_state, _note, context) => report(context, String(context.sender?.service)) });
      return subject({
        tell: (_state, note, context) => {
          report(context, String(context.sender?.service));
          context.spawn(child).tell(note);
        },
      });
    },
    check: async ({ ref, reported }) => {
      ref.tell({});
      await reported('undefined test.Subject');
    },
  },
  {
    title: 'that has stopped refuses asks, streams and ready, and tells are dead letters',
    make: () => subject(),
    check: async ({ ref, runtime }) => {
      const letters: DeadLetter[] = [];
      const unsubscribe = runtime.deadLetters.subscribe((letter) => letters.push(letter));
      await runtime.stopActor(ref);
      for (const work of [ref.ask({}), ref.list({}).next(), ref.load([])]) {
        expect(await rejection(work)).to.be.instanceOf(StoppedError);
      }
      expect(await rejection(ref.ready())).to.be.instanceOf(StoppedError);
      expect(ref.tell({ value: 7 })).to.equal(false);
      unsubscribe();
      expect(letters.map(({ method, message, reason }) => ({ method, message, reason }))).to.deep.equal([
        { method: 'test.Subject.Tell', message: { value: 7, text: '' }, reason: 'stopped' },
      ]);
    },
  },
  {
    title: 'answers asks, each with its own reply',
    make: () => subject({ ask: (_state, { value }) => ({ value: value * 2 }) }),
    check: async ({ ref }) => {
      const replies = await Promise.all(upTo(100).map((value) => ref.ask({ value })));
      expect(replies).to.deep.equal(upTo(100).map((value) => ({ value: value * 2, text: '' })));
    },
  },
  {
    title: 'answers with a large reply',
    make: () => subject({ ask: (_state, { value }) => ({ text: 'y'.repeat(value) }) }),
    check: async ({ ref }) => expect((await ref.ask({ value: 300_000 })).text).to.equal('y'.repeat(300_000)),
  },
  {
    title: 'answers with the name, message and code of what its handler throws or rejects with, and goes on',
    make: () =>
      subject({
        state: () => ({ asked: 0 }),
        ask: (state, { value }) => {
          state.asked++;
          if (value === 1) throw Object.assign(new RangeError('far'), { code: 'E_FAR' });
          if (value === 2) return Promise.reject(new TypeError('late'));
          return { value: state.asked };
        },
      }),
    check: async ({ ref }) => {
      const expected = { handlerName: 'RangeError', handlerCode: 'E_FAR', message: 'far', code: 'HANDLER' };
      expect(await rejection(ref.ask({ value: 1 })))
        .to.be.instanceOf(HandlerError)
        .and.include(expected);
      expect(await rejection(ref.ask({ value: 2 }))).to.include({ handlerName: 'TypeError', message: 'late' });
      expect((await ref.ask({})).value).to.equal(3);
    },
  },
  {
    title: 'refuses an ask with a reason and a detail, which is no failure',
    make: () =>
      subject({
        supervision: 'stop',
        ask: (_state, { value }) => {
          if (value === 0) return { value: 7 };
          throw new Refusal('NOT_FOUND', 'no such thing', { type: Timestamp, value: { seconds: 5n } });
        },
      }),
    check: async ({ ref }) => {
      const error = await rejection(ref.ask({ value: 1 }));
      expect(error).to.be.instanceOf(RefusedError).and.include({ reason: 'NOT_FOUND', message: 'no such thing' });
      expect((error as RefusedError).detail?.as(Timestamp)).to.deep.equal({ seconds: 5n, nanos: 0 });
      expect((await ref.ask({})).value).to.equal(7);
    },
  },
  {
    title: 'that never answers is given up at the deadline',
    make: () => subject({ ask: (_state, { value }) => (value === 0 ? later(never()) : { value }) }),
    check: async ({ ref }) => {
      expect(await rejection(ref.ask({}, { timeoutMs: 60 }))).to.be.instanceOf(AskTimeoutError);
      expect((await ref.ask({ value: 3 })).value).to.equal(3);
    },
  },
  {
    title: 'does not execute an ask that has expired in its mailbox',
    make: (report) =>
      subject({
        tell: (_state, _note, { scheduler }) => new Promise<void>((resolve) => void scheduler.setTimer(150, resolve)),
        ask: (_state, { value }, context) => {
          report(context, value);
          return { value };
        },
      }),
    check: async ({ ref, reported }) => {
      ref.tell({});
      const expired = rejection(ref.ask({ value: 1 }, { timeoutMs: 30 }));
      const inTime = ref.ask({ value: 2 });
      expect(await expired).to.be.instanceOf(AskTimeoutError);
      await inTime;
      await reported('2');
    },
  },
  {
    title: 'is asked no longer by who aborts the ask, before and while it is handled',
    make: (report) =>
      subject({
        ask: (_state, { value }, context) => {
          report(context, value);
          return value === 0 ? { value } : later(never());
        },
      }),
    check: async ({ ref, reported, reports }) => {
      const reason = new Error('enough');
      const before = await rejection(ref.ask({ value: 1 }, { signal: AbortSignal.abort(reason) }));
      expect(before).to.be.instanceOf(AskAbortedError).with.property('cause', reason);
      const controller = new AbortController();
      const during = rejection(ref.ask({ value: 2 }, { signal: controller.signal }));
      await until(() => reports.length === 1);
      controller.abort(reason);
      expect(await during).to.be.instanceOf(AskAbortedError);
      await ref.ask({});
      await reported('2 0');
    },
  },
  {
    title: 'replies later, and handles other messages meanwhile',
    make: () => {
      const waiting: ((note: { value: number }) => void)[] = [];
      return subject({
        ask: () => later(new Promise<{ value: number }>((resolve) => waiting.push(resolve))),
        tell: (_state, { value }) => {
          for (const reply of waiting.splice(0)) reply({ value });
        },
      });
    },
    check: async ({ ref }) => {
      const asked = [ref.ask({}), ref.ask({})];
      ref.tell({ value: 9 });
      expect((await Promise.all(asked)).map(({ value }) => value)).to.deep.equal([9, 9]);
    },
  },
  {
    title: 'whose later reply fails answers with that error, and goes on',
    make: () =>
      subject({ ask: (_state, { value }) => (value === 0 ? { value } : later(Promise.reject(new Error('no')))) }),
    check: async ({ ref }) => {
      expect(await rejection(ref.ask({ value: 1 })))
        .to.be.instanceOf(HandlerError)
        .and.include({ message: 'no' });
      await ref.ask({});
    },
  },
  {
    title: 'gives a nested ask no more time than the ask that it serves has',
    make: (report) =>
      subject({
        ask: async (_state, note, context) => {
          const deaf = context.spawn(subject({ ask: () => later(never()) }));
          report(context, await millraceRejection(deaf.ask(note, context.options())).then(({ code }) => code));
          return note;
        },
      }),
    check: async ({ ref, reported }) => {
      // Both asks have the same deadline: the reply to the outer one may come just before it.
      const error = await ref.ask({}, { timeoutMs: 80 }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error).to.be.instanceOf(AskTimeoutError);
      await reported('ASK_TIMEOUT');
    },
  },
  {
    title: 'that asks itself gets an error instead of waiting for ever',
    make: () =>
      subject({
        ask: async (_state, note, context) => {
          const error = await millraceRejection(context.self.ask(note, context.options()));
          return { text: error.code };
        },
      }),
    check: async ({ ref }) => expect((await ref.ask({})).text).to.equal('REENTRANT_ASK'),
  },
  {
    title: 'is not sent what does not fit its message, or has no deadline',
    make: () => subject(),
    check: async ({ ref }) => {
      const wrong = { value: 'one' } as unknown as { value: number };
      expect(await rejection(ref.ask(wrong))).to.be.instanceOf(ProtocolError);
      expect(await rejection(ref.ask({}, { timeoutMs: 0 }))).to.be.instanceOf(ConfigError);
      await ref.ask({});
    },
  },
  {
    title: 'whose reply is no message answers with an error',
    make: () => subject({ ask: () => 'yes' as unknown as { value: number } }),
    check: async ({ ref }) => expect(await rejection(ref.ask({}))).to.be.instanceOf(HandlerError),
  },
];
