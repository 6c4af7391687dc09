import { expect } from 'chai';
import { behavior } from '#src/actors/kernel/index.js';
import { HandlerError } from '#src/errors.js';
import { rejection } from '../../../support/rejection.js';
import { until } from '../harness.js';
import { type Case, PLAIN, Subject, subject } from './subject.js';

const boom = (): never => {
  throw new RangeError('broken');
};

export const life: readonly Case[] = [
  {
    title: 'makes its state, and has started, before its first message',
    make: (report) =>
      subject({
        state: (context) => report(context, 'state'),
        on: { started: async (_state, context) => report(context, 'started') },
        tell: (_state, _note, context) => report(context, 'told'),
      }),
    check: async ({ ref, reported }) => {
      ref.tell({});
      await reported('state started told');
    },
  },
  {
    title: 'replaces its state',
    make: () =>
      subject({
        state: () => 0,
        tell: (count, { value }, context) => context.become(count + value),
        ask: (count) => ({ value: count }),
      }),
    check: async ({ ref }) => {
      ref.tell({ value: 2 });
      ref.tell({ value: 3 });
      expect((await ref.ask({})).value).to.equal(5);
    },
  },
  {
    title: 'stops by itself, after the message that it handles',
    make: (report) =>
      subject({
        tell: (_state, _note, context) => {
          context.stop();
          report(context, 'told');
        },
      }),
    check: async ({ ref, end, reported }) => {
      const ended = end();
      ref.tell({});
      ref.tell({});
      expect((await ended).reason).to.equal('stopped');
      await reported('told');
    },
  },
  {
    title: 'is called last when it is stopped, when its children have stopped',
    make: (report) => {
      const child = subject({ on: { stopping: (_state, context) => report(context, 'child') } });
      return subject({
        on: {
          started: (_state, context) => void context.spawn(child),
          stopping: (_state, context) => report(context, 'parent'),
        },
      });
    },
    check: async ({ ref, runtime, reported }) => {
      await ref.ask({});
      await runtime.stopActor(ref);
      await reported('child parent');
    },
  },
  {
    title: 'has timers that fire once, or again and again, until they are cancelled',
    make: (report) =>
      subject({
        state: (context) => {
          let ticks = 0;
          context.cancel(context.after(1, () => report(context, 'never')));
          const every = context.every(5, () => {
            report(context, `tick-${++ticks}`);
            if (ticks < 3) return;
            context.cancel(every);
            context.after(20, () => report(context, 'last'));
          });
        },
      }),
    check: ({ reported }) => reported('tick-1 tick-2 tick-3 last'),
  },
  {
    title: 'is told that it has been idle',
    make: (report) =>
      subject({
        idleTimeoutMs: 20,
        on: {
          idle: (_state, context) => {
            report(context, 'idle');
            context.setIdleTimeout(undefined);
          },
        },
      }),
    check: ({ reported }) => reported('idle'),
  },
  {
    title: 'puts messages aside, and takes them in their order',
    make: (report) =>
      subject({
        state: () => ({ isOpen: false }),
        tell: (state, { value }, context) => {
          if (value === 0) state.isOpen = true;
          if (!state.isOpen) return context.stash();
          report(context, value);
          if (value === 0) context.unstashAll();
        },
      }),
    check: async ({ ref, reported }) => {
      for (const value of [1, 2, 3, 0, 4]) ref.tell({ value });
      await reported('0 1 2 3 4');
    },
  },
  {
    title: 'puts asks aside, which are answered when it takes them',
    make: () =>
      subject({
        state: () => ({ found: 0 }),
        tell: (state, { value }, context) => {
          state.found = value;
          context.unstashAll();
        },
        ask: ({ found }, _note, context) => {
          if (found === 0) context.stash();
          return { value: found };
        },
      }),
    check: async ({ ref }) => {
      const asked = [ref.ask({}), ref.ask({})];
      ref.tell({ value: 5 });
      expect((await Promise.all(asked)).map(({ value }) => value)).to.deep.equal([5, 5]);
    },
  },
  {
    title: 'whose stash is full fails what it would put aside',
    make: () =>
      subject({
        supervision: 'resume',
        mailbox: { stashCapacity: 1 },
        ask: (_state, note, context) => {
          context.stash();
          return note;
        },
      }),
    check: async ({ ref }) => {
      const first = rejection(ref.ask({}, { timeoutMs: 300 }));
      expect(await rejection(ref.ask({ value: 1 })))
        .to.be.instanceOf(HandlerError)
        .and.include({ handlerCode: 'BACKPRESSURE' });
      expect(await first).to.include({ code: 'ASK_TIMEOUT' });
    },
  },
  {
    title: 'that stops with messages aside gives them back to their sender',
    make: () => subject({ tell: (_state, _note, context) => context.stash() }),
    check: async ({ ref, runtime }) => {
      const lost: unknown[] = [];
      const unsubscribe = runtime.deadLetters.subscribe(({ message }) => lost.push(message));
      for (const value of [1, 2]) ref.tell({ value });
      await ref.ask({});
      await runtime.stopActor(ref);
      await until(() => lost.length === 2);
      unsubscribe();
      expect(lost).to.deep.equal([1, 2].map((value) => ({ value, text: '' })));
    },
  },
  {
    title: 'is told once how an actor that it watches ends',
    make: (report) =>
      subject({
        on: { terminated: (_state, { reason, cause }, context) => report(context, `${reason}-${cause?.message}`) },
        tell: (_state, { value }, context) => {
          const child = context.spawn(
            subject({ supervision: 'stop', tell: value === 0 ? (_none, _note, its) => its.stop() : boom }),
          );
          context.watch(child);
          context.watch(child);
          child.tell({});
        },
      }),
    check: async ({ ref, reports, reported }) => {
      ref.tell({ value: 0 });
      await until(() => reports.length === 1);
      ref.tell({ value: 1 });
      await reported('stopped-undefined failed-broken');
    },
  },
  {
    title: 'is not told of an actor that it watches no more',
    make: (report) =>
      subject({
        on: { terminated: (_state, { reason }, context) => report(context, reason) },
        tell: async (_state, _note, context) => {
          const child = context.spawn(subject());
          context.watch(child);
          context.unwatch(child);
          await context.stopChild(child);
          report(context, context.children.size);
        },
      }),
    check: async ({ ref, reported }) => {
      ref.tell({});
      await ref.ask({});
      await reported('0');
    },
  },
  {
    title: 'starts children with arguments, each under a name that no other has',
    make: (report) => {
      const child = behavior(Subject, {
        state: (_context, args: { readonly start: number }) => args.start,
        ...PLAIN,
        ask: (start, { value }) => ({ value: start + value }),
      });
      return subject({
        supervision: 'resume',
        tell: async (_state, note, context) => {
          const ref = context.spawn(child, { name: 'one', args: { start: 5 } });
          report(context, (await ref.ask(note, context.options())).value);
          context.spawn(child, { name: 'one', args: { start: 6 } });
        },
        ask: (_state, _note, { children }) => ({ text: [...children.keys()].join(' ') }),
      });
    },
    check: async ({ ref, reported }) => {
      ref.tell({ value: 2 });
      expect((await ref.ask({})).text).to.equal('one');
      await reported('7');
    },
  },
  {
    title: 'takes the result of work outside in a turn of its own',
    make: (report) =>
      subject({
        supervision: 'resume',
        tell: (_state, { value }, context) => {
          const work = value === 0 ? Promise.resolve('done') : Promise.reject(new Error('late'));
          context.pipe(
            work,
            (text) => report(context, text),
            (error) => report(context, error.message),
          );
        },
      }),
    check: async ({ ref, reports, reported }) => {
      ref.tell({ value: 0 });
      await until(() => reports.length === 1);
      ref.tell({ value: 1 });
      await reported('done late');
    },
  },
  {
    title: 'reaches an actor of the test by a reference, which sees who it is',
    make: (report) =>
      subject({
        ask: (_state, _note, context) => {
          report(context, 'asked');
          return { text: context.path };
        },
      }),
    check: async ({ ref, reported }) => {
      const { text } = await ref.ask({});
      expect(text.split('/').length).to.be.greaterThan(1);
      await reported('asked');
    },
  },
];
