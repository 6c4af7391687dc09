import { expect } from 'chai';
import type { Context } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { ConfigError, MillraceError, StoppedError } from '#src/errors.js';
import { rejection } from '../../../support/rejection.js';
import { until } from '../harness.js';
import { helper } from './helper.js';
import { type Case, Subject, subject } from './subject.js';

/** Resolves when nobody has the name any more. */
async function isFree(runtime: Runtime, name: string): Promise<void> {
  let isTaken = true;
  const unwatch = await runtime.watchName(Subject, name, (holder) => {
    isTaken = holder !== undefined;
  });
  await until(() => !isTaken);
  unwatch();
}

const codeOf = (error: unknown): string => (error instanceof MillraceError ? error.code : String(error));

/** Settles after `ms`; no other message is handled meanwhile. */
const pause = (context: Context, ms: number): Promise<void> =>
  new Promise((resolve) => void context.scheduler.setTimer(ms, resolve));

export const cluster: readonly Case[] = [
  {
    title: 'places an actor by its context, which stops with it',
    make: () =>
      subject({
        ask: async (_state, { text }, context) => {
          const placed = await context.place(helper, { register: 'placed-by-context' });
          return placed.ask({ text: `${text}!` }, context.options());
        },
      }),
    check: async ({ ref, runtime }) => {
      expect((await ref.ask({ text: 'hello' })).text).to.equal('hello!');
      await runtime.lookup(Subject, 'placed-by-context');
      await runtime.stopActor(ref);
      await isFree(runtime, 'placed-by-context');
    },
  },
  {
    title: 'places several actors, and leaves those behind that are detached',
    make: () =>
      subject({
        ask: async (_state, { value }, context) => {
          const placed = await context.place(helper, { instances: value, group: 'left-behind', detached: true });
          return { value: placed.length };
        },
      }),
    check: async ({ ref, runtime }) => {
      expect((await ref.ask({ value: 3 })).value).to.equal(3);
      await runtime.stopActor(ref);
      using group = await runtime.group(Subject, 'left-behind', { policy: 'broadcast' });
      let members: readonly { ask(note: object): Promise<unknown> }[] = [];
      const unwatch = await runtime.watchGroup(Subject, 'left-behind', (present) => {
        members = present;
      });
      await until(() => members.length === 3);
      unwatch();
      expect(group.tell({})).to.equal(true);
    },
  },
  {
    title: 'stops what it has placed when it restarts, and may place it again under the same name',
    make: () =>
      subject({
        supervision: { onFailure: 'restart', backoff: { minMs: 1, maxMs: 1 } },
        tell: () => {
          throw new Error('a failure that restarts');
        },
        ask: async (_state, _note, context) => {
          const placed = await context.place(helper, { register: 'placed-again' });
          return { text: placed.toRef().cUid.toString(16) };
        },
      }),
    check: async ({ ref, runtime }) => {
      const first = (await ref.ask({})).text;
      ref.tell({});
      const second = (await ref.ask({}, { timeoutMs: 20_000 })).text;
      expect(second).not.to.equal(first);
      expect((await runtime.lookup(Subject, 'placed-again')).toRef().cUid.toString(16)).to.equal(second);
      await runtime.stopActor(ref);
      await isFree(runtime, 'placed-again');
    },
  },
  {
    title: 'cannot use its cluster by the context of before a restart, or with a wrong option',
    make: () => {
      let before: Context | undefined;
      return subject({
        supervision: { onFailure: 'restart', backoff: { minMs: 1, maxMs: 1 } },
        tell: (_state, _note, context) => {
          before = context;
          throw new Error('a failure that restarts');
        },
        ask: async (_state, _note, context) => {
          if (before === undefined) return {};
          const late = [before.place(helper), before.lookup(Subject, 'any'), before.group(Subject, 'any')];
          const wrong = [context.place(helper, { parent: context.self }), context.lookup(Subject, '')];
          const errors = await Promise.all([...late, ...wrong].map((call) => rejection(call)));
          return { text: errors.map(codeOf).join(' ') };
        },
      });
    },
    check: async ({ ref }) => {
      ref.tell({});
      const [stopped, config] = [new StoppedError('').code, new ConfigError('').code];
      expect((await ref.ask({})).text).to.equal([stopped, stopped, stopped, config, config].join(' '));
    },
  },
  {
    title: 'looks a name up by its context, and is told when nobody has it',
    make: () =>
      subject({
        ask: async (_state, { text }, context) => {
          const found = await context.lookup(Subject, text, { timeoutMs: 10_000 });
          const missing = await rejection(context.lookup(Subject, 'nobody-has-it', { timeoutMs: 20 }));
          const { value } = await found.ask({ value: 4 }, context.options());
          return { value, text: codeOf(missing) };
        },
      }),
    check: async ({ ref, runtime }) => {
      const wanted = runtime.spawn(subject(), { name: 'wanted-by-context', register: true });
      const reply = await ref.ask({ text: 'wanted-by-context' }, { timeoutMs: 20_000 });
      expect(reply).to.deep.equal({ value: 4, text: 'ASK_TIMEOUT' });
      await runtime.stopActor(wanted);
    },
  },
  {
    title: 'uses a group by its context, whose members come and go',
    make: () =>
      subject({
        ask: async (_state, { value }, context) => {
          const group = await context.group(Subject, 'used-by-context');
          const answers = await Promise.all(
            Array.from({ length: value }, () =>
              group.ask({}, context.options()).then(
                ({ text }) => text,
                (error: unknown) => codeOf(error),
              ),
            ),
          );
          return { text: [...new Set(answers)].toSorted().join(' ') };
        },
      }),
    check: async ({ ref, runtime }) => {
      const members = ['a', 'b'].map((text) => runtime.spawn(subject({ ask: () => ({ text }) })));
      for (const member of members) await runtime.register('used-by-context', member, { group: true });
      const asked = async (): Promise<string> => (await ref.ask({ value: 4 })).text;
      let text = '';
      const is = async (wanted: string): Promise<void> => {
        for (let tries = 0; text !== wanted && tries < 200; tries++) text = await asked();
        expect(text).to.equal(wanted);
      };
      await is('a b');
      for (const [member, left] of [
        [members[0], 'b'],
        [members[1], 'UNREACHABLE'],
      ] as const) {
        if (member !== undefined) await runtime.stopActor(member);
        await is(left);
      }
    },
  },
  {
    title: 'stops what it has placed by ctx.stopChild, and nobody else',
    make: () =>
      subject({
        ask: async (_state, { value }, context) => {
          const placed = await context.place(helper);
          const { text } = await placed.ask({ value, text: 'done' }, context.options());
          await context.stopChild(placed, { drain: true });
          await context.stopChild(placed);
          const refused = await rejection(placed.ask({}, context.options()));
          const foreign = await rejection(context.stopChild(context.self));
          return { text: `${text} ${codeOf(refused)} ${codeOf(foreign)}` };
        },
      }),
    check: async ({ ref }) => {
      expect((await ref.ask({ value: 0 })).text).to.equal('done STOPPED CONFIG');
    },
  },
  {
    title: 'does the work that it has accepted, when it is drained',
    make: (report) =>
      subject({
        ask: async (_state, { value }, context) => {
          if (value === 1) report(context, 'begun');
          await pause(context, 5);
          return { value };
        },
      }),
    check: async ({ ref, runtime, reported }) => {
      const asked = [1, 2, 3].map((value) => ref.ask({ value }));
      await reported('begun');
      await runtime.stopActor(ref, { drain: true });
      expect((await Promise.all(asked)).map(({ value }) => value)).to.deep.equal([1, 2, 3]);
      expect(codeOf(await rejection(ref.ask({})))).to.equal('STOPPED');
    },
  },
  {
    title: 'handles what was sent to it before its drain, by the caller of the drain',
    make: () => subject({ ask: (_state, { value }) => ({ value }) }),
    check: async ({ ref, runtime }) => {
      await ref.ask({});
      const values = Array.from({ length: 300 }, (_, value) => value);
      const asked = Promise.allSettled(values.map((value) => ref.ask({ value })));
      await runtime.stopActor(ref, { drain: true });
      const answered = (await asked).map((each) =>
        each.status === 'fulfilled' ? each.value.value : codeOf(each.reason),
      );
      expect(answered).to.deep.equal(values);
    },
  },
  {
    title: 'handles what the actor that has placed it has sent to it before its drain',
    make: () =>
      subject({
        ask: async (_state, _request, context) => {
          const placed = await context.place(helper);
          const texts = Array.from({ length: 100 }, (_, index) => String(index));
          const asked = Promise.allSettled(texts.map((text) => placed.ask({ text }, context.options())));
          await context.stopChild(placed, { drain: true });
          const answered = (await asked).map((each) =>
            each.status === 'fulfilled' ? each.value.text : codeOf(each.reason),
          );
          return { text: answered.join(' ') };
        },
      }),
    check: async ({ ref }) => {
      const { text } = await ref.ask({});
      expect(text.split(' ').filter((each) => each === 'STOPPED')).to.have.length(0);
    },
  },
  {
    title: 'is cut off where it has not done its work by the deadline of a drain',
    make: (report) =>
      subject({
        ask: async (_state, { value }, context) => {
          if (value > 1) return { value };
          report(context, 'begun');
          await pause(context, 150);
          return { value };
        },
      }),
    check: async ({ ref, runtime, reported }) => {
      const asked = [1, 2, 3].map((value) => ref.ask({ value }));
      const outcomes = Promise.allSettled(asked);
      await reported('begun');
      await runtime.stopActor(ref, { drain: { timeoutMs: 20 } });
      const codes = (await outcomes).map((each) => (each.status === 'fulfilled' ? 'ok' : codeOf(each.reason)));
      expect(codes).to.deep.equal(['ok', 'STOPPED', 'STOPPED']);
    },
  },
];
