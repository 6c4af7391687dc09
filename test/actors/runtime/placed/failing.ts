import { expect } from 'chai';
import type { Failure } from '#src/actors/kernel/index.js';
import { until } from '../harness.js';
import { type Case, type Report, type Stage, subject } from './subject.js';

const QUICK = { minMs: 1, maxMs: 1 };

const boom = (): never => {
  throw new RangeError('broken');
};

/** Counts what it is told in its state, and fails at 0. */
const counting = (report: Report, supervision: 'resume' | 'restart' | 'stop') =>
  subject({
    supervision: supervision === 'restart' ? { onFailure: supervision, backoff: QUICK } : supervision,
    state: () => ({ told: 0 }),
    tell: (state, { value }, context) => {
      if (value === 0) boom();
      report(context, ++state.told);
    },
  });

/** Tells it 1, 0 and 1: the second one fails it. */
function tellAll({ ref }: Stage): void {
  for (const value of [1, 0, 1]) ref.tell({ value });
}

export const failing: readonly Case[] = [
  {
    title: 'that fails and resumes keeps its state',
    make: (report) => counting(report, 'resume'),
    check: async (stage) => {
      tellAll(stage);
      await stage.reported('1 2');
    },
  },
  {
    title: 'that fails and restarts begins anew, with its mailbox',
    make: (report) => counting(report, 'restart'),
    check: async (stage) => {
      tellAll(stage);
      await stage.reported('1 1');
    },
  },
  {
    title: 'that fails and stops ends, and is one of the failures where it was placed from',
    make: (report) => counting(report, 'stop'),
    check: async (stage) => {
      const failures: Failure[] = [];
      const unsubscribe = stage.runtime.failures.subscribe((failure) => failures.push(failure));
      const end = stage.end();
      tellAll(stage);
      const { reason, cause } = await end;
      expect([reason, cause?.message]).to.deep.equal(['failed', 'broken']);
      await stage.reported('1');
      await until(() => failures.length > 0);
      unsubscribe();
      expect(failures.map(({ error }) => error.message)).to.deep.equal(['broken']);
    },
  },
  {
    title: 'that fails too often ends',
    make: () => subject({ supervision: { maxRestarts: 1, backoff: QUICK }, tell: boom }),
    check: async ({ ref, end }) => {
      const ended = end();
      for (let times = 0; times < 3; times++) ref.tell({});
      expect((await ended).reason).to.equal('failed');
    },
  },
  {
    title: 'decides by the error what a failure does',
    make: (report) =>
      subject({
        supervision: { onFailure: (error) => (error instanceof RangeError ? 'resume' : 'stop') },
        tell: (_state, { value }, context) => {
          if (value === 1) boom();
          if (value === 2) throw new TypeError('fatal');
          report(context, value);
        },
      }),
    check: async ({ ref, end, reported }) => {
      const ended = end();
      for (const value of [1, 0, 2]) ref.tell({ value });
      expect((await ended).cause?.message).to.equal('fatal');
      await reported('0');
    },
  },
  {
    title: 'fails by ctx.fail, outside of a handler',
    make: () => subject({ supervision: 'stop', tell: (_state, _note, context) => context.fail(new Error('given up')) }),
    check: async ({ ref, end }) => {
      const ended = end();
      ref.tell({});
      expect((await ended).cause?.message).to.equal('given up');
    },
  },
  {
    title: 'has no timer of before after a restart',
    make: (report) =>
      subject({
        supervision: { backoff: QUICK },
        state: () => ({ told: 0 }),
        tell: (state, { value }, context) => {
          state.told++;
          context.after(30, () => report(context, `${value}-${state.told}`));
          if (value === 0) boom();
        },
      }),
    check: async ({ ref, reported }) => {
      ref.tell({ value: 0 });
      ref.tell({ value: 1 });
      await reported('1-1');
    },
  },
  {
    title: 'whose timer fails is supervised',
    make: (report) =>
      subject({
        supervision: 'resume',
        state: () => ({ isOver: false }),
        tell: (state, _note, context) => {
          context.after(1, () => {
            state.isOver = true;
            boom();
          });
          context.after(10, () => report(context, String(state.isOver)));
        },
      }),
    check: async ({ ref, reported }) => {
      ref.tell({});
      await reported('true');
    },
  },
  {
    title: 'fails with a child that escalates',
    make: () => {
      const child = subject({ supervision: 'escalate', tell: boom });
      return subject({ supervision: 'stop', tell: (_state, note, context) => void context.spawn(child).tell(note) });
    },
    check: async ({ ref, end }) => {
      const ended = end();
      ref.tell({});
      const { reason, cause } = await ended;
      expect([reason, cause?.message]).to.deep.equal(['failed', 'broken']);
    },
  },
];
