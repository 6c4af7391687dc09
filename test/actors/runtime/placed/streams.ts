import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { AskAbortedError, AskTimeoutError, HandlerError, Refusal, RefusedError } from '#src/errors.js';
import { upTo } from '../../../support/numbers.js';
import { readAll } from '../../../support/read-all.js';
import { rejection } from '../../../support/rejection.js';
import { numbersBelow, silentAfter } from '../../../support/sources.js';
import { until } from '../harness.js';
import { type Case, type Report, subject } from './subject.js';

/** Counts without end, and says when its reader has gone. */
const endless = (report: Report) =>
  subject({
    list: async function* (_state, _note, context) {
      try {
        for (let value = 0; ; value++) yield { value };
      } finally {
        report(context, 'closed');
      }
    },
  });

export const streams: readonly Case[] = [
  {
    title: 'streams to the end, in order, and the stream stays ended',
    make: () => subject(),
    check: async ({ ref }) => {
      const stream = ref.list({ value: 500 });
      expect(await readAll(stream)).to.deep.equal({ values: upTo(500) });
      expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
      expect(await readAll(ref.list({}))).to.deep.equal({ values: [] });
    },
  },
  {
    title: 'streams to many at once, each at its own pace',
    make: () => subject(),
    check: async ({ ref }) => {
      const all = await Promise.all(upTo(20).map((value) => readAll(ref.list({ value }))));
      expect(all).to.deep.equal(upTo(20).map((value) => ({ values: upTo(value) })));
    },
  },
  {
    title: 'whose stream fails ends it with the error, after what was read before, and goes on',
    make: () =>
      subject({
        list: async function* () {
          yield { value: 1 };
          throw new RangeError('broken');
        },
      }),
    check: async ({ ref }) => {
      const { values, error } = await readAll(ref.list({}));
      expect(values).to.deep.equal([1]);
      expect(error).to.be.instanceOf(HandlerError).and.include({ handlerName: 'RangeError', message: 'broken' });
      await ref.ask({});
    },
  },
  {
    title: 'refuses in a stream with a reason',
    make: () =>
      subject({
        list: async function* (_state, { value }) {
          yield { value };
          throw new Refusal('LATE', 'too late');
        },
      }),
    check: async ({ ref }) => {
      const { values, error } = await readAll(ref.list({ value: 4 }));
      expect(values).to.deep.equal([4]);
      expect(error).to.be.instanceOf(RefusedError).and.include({ reason: 'LATE' });
    },
  },
  {
    title: 'whose handler returns no stream answers with an error',
    make: () => subject({ list: () => [{ value: 1 }] as never }),
    check: async ({ ref }) => {
      const { error } = await readAll(ref.list({}));
      expect(error).to.be.instanceOf(HandlerError).and.include({ handlerCode: 'CONFIG' });
    },
  },
  {
    title: 'closes its stream when the reader returns',
    make: endless,
    check: async ({ ref, reported }) => {
      const stream = ref.list({});
      for (const value of upTo(5)) expect((await stream.next()).value?.value).to.equal(value);
      await stream.return();
      await reported('closed');
    },
  },
  {
    title: 'closes its stream when the reader aborts',
    make: endless,
    check: async ({ ref, reported }) => {
      const controller = new AbortController();
      const stream = ref.list({}, { signal: controller.signal });
      await stream.next();
      controller.abort(new Error('enough'));
      expect((await readAll(stream)).error).to.be.instanceOf(AskAbortedError);
      await reported('closed');
    },
  },
  {
    title: 'that yields nothing in time fails its stream for the reader',
    make: () =>
      subject({
        list: async function* () {
          yield { value: 1 };
          yield later(new Promise<{ value: number }>(() => {}));
        },
      }),
    check: async ({ ref }) => {
      const { values, error } = await readAll(ref.list({}, { timeoutMs: 60 }));
      expect(values).to.deep.equal([1]);
      expect(error).to.be.instanceOf(AskTimeoutError);
    },
  },
  {
    title: 'is ahead of its reader by no more than the window',
    make: (report) =>
      subject({
        list: async function* (_state, _note, context) {
          for (let value = 0; ; value++) {
            report(context, value);
            yield { value };
          }
        },
      }),
    check: async ({ ref, reports }) => {
      const stream = ref.list({}, { windowItems: 4 });
      for (const read of upTo(20)) {
        await stream.next();
        await ref.ask({});
        expect(reports.length).to.be.at.most(read + 1 + 4);
      }
      await stream.return();
    },
  },
  {
    title: 'yields what only another message brings, and handles that meanwhile',
    make: () => {
      const waiting: ((note: { value: number }) => void)[] = [];
      return subject({
        list: async function* () {
          for (;;) yield later(new Promise<{ value: number }>((resolve) => waiting.push(resolve)));
        },
        ask: (_state, { value }) => {
          const isWaiting = waiting.length > 0;
          if (value > 0) waiting.shift()?.({ value });
          return { text: String(isWaiting) };
        },
      });
    },
    check: async ({ ref }) => {
      const stream = ref.list({}, { windowItems: 1 });
      for (const value of [7, 8, 9]) {
        const next = stream.next();
        while ((await ref.ask({})).text === 'false');
        await ref.ask({ value });
        expect((await next).value?.value).to.equal(value);
      }
      await stream.return();
    },
  },
  {
    title: 'reads a stream of requests to its end, in order, however long',
    make: () =>
      subject({
        load: async (_state, requests) => {
          let next = 0;
          for await (const { value } of requests) if (value === next) next++;
          return { value: next };
        },
      }),
    check: async ({ ref }) => {
      expect((await ref.load(numbersBelow(2_000))).value).to.equal(2_000);
      expect((await ref.load([])).value).to.equal(0);
    },
  },
  {
    title: 'that answers before it has read all stops the source',
    make: () =>
      subject({
        load: async (_state, requests) => {
          for await (const { value } of requests) if (value === 3) return { value };
          return {};
        },
      }),
    check: async ({ ref }) => {
      const source = silentAfter(5);
      expect((await ref.load(source.numbers)).value).to.equal(3);
      await until(() => source.closed === 1);
    },
  },
  {
    title: 'whose loading fails answers with the error, and stops the source',
    make: () =>
      subject({
        load: async (_state, requests) => {
          for await (const _request of requests) throw new RangeError('full');
          return {};
        },
      }),
    check: async ({ ref }) => {
      const source = silentAfter(5);
      expect(await rejection(ref.load(source.numbers)))
        .to.be.instanceOf(HandlerError)
        .and.include({ message: 'full' });
      await until(() => source.closed === 1);
    },
  },
  {
    title: 'learns that a source has thrown, and the caller gets that very error',
    make: (report) =>
      subject({
        load: async (_state, requests, context) => {
          try {
            for await (const { value } of requests) report(context, value);
          } catch (error) {
            report(context, error instanceof Error ? `${error.name}:${error.message}` : 'no error');
            throw error;
          }
          return {};
        },
      }),
    check: async ({ ref, reported, reports }) => {
      const broken = new RangeError('dry');
      const source = numbersBelow(9, (value) => {
        if (value === 1) throw broken;
      });
      expect(await rejection(ref.load(source))).to.equal(broken);
      await until(() => reports.length === 2);
      expect(reports[1]).to.match(/^SourceError:.*dry/);
      await reported(reports.join(' '));
    },
  },
  {
    title: 'answers each request of a conversation',
    make: () => subject(),
    check: async ({ ref }) => {
      expect(await readAll(ref.chat(numbersBelow(300)))).to.deep.equal({ values: upTo(300).map((value) => value * 2) });
    },
  },
  {
    title: 'ends a conversation when the reader goes, and stops the source',
    make: (report) =>
      subject({
        chat: async function* (_state, requests, context) {
          try {
            for await (const { value } of requests) yield { value };
          } finally {
            report(context, 'closed');
          }
        },
      }),
    check: async ({ ref, reported }) => {
      const source = silentAfter(3);
      const talk = ref.chat(source.numbers);
      for (const value of upTo(3)) expect((await talk.next()).value?.value).to.equal(value);
      await talk.return();
      await until(() => source.closed === 1);
      await reported('closed');
    },
  },
];
