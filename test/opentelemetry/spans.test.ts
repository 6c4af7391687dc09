import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { context, createTraceState, type Span, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import fc from 'fast-check';
import { type ActorRef, later, type Tracing, type TracingSource } from '#src/actors/kernel/index.js';
import { Executor, memoryLogger, Refusal } from '#src/index.js';
import { openTelemetry, type OpenTelemetryOptions } from '#src/opentelemetry/index.js';
import { errandRunner, Errands } from '../actors/runtime/errand-runner.js';
import { until } from '../actors/runtime/harness.js';
import { PartitionWorld } from '../actors/transport/partitions.js';
import type { Scheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const user = provider.getTracer('user');

function named(name: string, kind?: SpanKind): ReadableSpan {
  const found = exporter.getFinishedSpans().filter((span) => span.name === name && (kind ?? span.kind) === span.kind);
  expect(found, `spans ${name}`).to.have.length(1);
  return found[0] as ReadableSpan;
}

function isChildOf(child: ReadableSpan, parent: { spanContext(): { traceId: string; spanId: string } }): void {
  expect(child.spanContext().traceId, `trace of ${child.name}`).to.equal(parent.spanContext().traceId);
  expect(child.parentSpanContext?.spanId, `parent of ${child.name}`).to.equal(parent.spanContext().spanId);
}

/** Runs code within a span of its own, as a request of a server is. */
async function within<T>(code: (span: Span) => Promise<T>): Promise<{ readonly span: Span; readonly result: T }> {
  return user.startActiveSpan('request', async (span) => {
    try {
      return { span, result: await code(span) };
    } finally {
      span.end();
    }
  });
}

interface Place {
  readonly scheduler: Scheduler;
  /** An actor there, as its caller has it. */
  reach(definition: Parameters<typeof errandRunner>[0]): Promise<ActorRef<typeof Errands>>;
  stop(): Promise<void>;
}

/** Where the actor is, seen from its caller. */
const places: Readonly<Record<string, (tracing: TracingSource) => Promise<Place>>> = {
  'the same partition': async (tracing) => {
    const executor = new Executor({ seed: 7 });
    const runtime = await executor.start({ tracing });
    return {
      scheduler: executor.scheduler,
      reach: async (definition) => runtime.spawn(errandRunner(definition), { name: 'errands' }),
      stop: () => executor.stop(),
    };
  },
  'another partition': async (tracing) => {
    const world = new PartitionWorld({ tracing: (await tracing(memoryLogger())) as Tracing });
    const [near, far] = [await world.start('node-0/a'), await world.start('node-0/b')];
    return {
      scheduler: world.scheduler,
      reach: async (definition) =>
        world.reach(near, Errands, far.system.spawn(errandRunner(definition), { name: 'errands' })),
      stop: () => world.end(),
    };
  },
  'another virtual node': async (tracing) => {
    const executor = new Executor({ seed: 7, latencyMs: 1 });
    const far = await executor.start({ tracing, node: 'node-0' });
    const near = await executor.start({ tracing, node: 'node-1', controlPlane: far.controlPlane });
    return {
      scheduler: executor.scheduler,
      reach: async (definition) => {
        await far.register('errands', far.spawn(errandRunner(definition), { name: 'errands' }));
        return near.lookup(Errands, 'errands');
      },
      stop: () => executor.stop(),
    };
  },
};

for (const [where, start] of Object.entries(places)) {
  describe(`spans of messages to an actor in ${where}`, () => {
    let place: Place;

    before(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
    after(() => context.disable());

    beforeEach(() => exporter.reset());
    afterEach(() => place.stop());

    async function reach(
      definition: Parameters<typeof errandRunner>[0],
      options: OpenTelemetryOptions = {},
    ): Promise<ActorRef<typeof Errands>> {
      place = await start(openTelemetry({ tracerProvider: provider, ...options }));
      return place.reach(definition);
    }

    it('join an ask, its handler and what that does to the trace of the caller', async () => {
      const ref = await reach({
        run: async (_state, { value }) => {
          user.startSpan('query').end();
          await new Promise((resolve) => place.scheduler.setTimer(5, () => resolve(undefined)));
          user.startSpan('later query').end();
          return { value };
        },
      });
      const { span } = await within(() => ref.run({ value: 1 }));
      await until(() => exporter.getFinishedSpans().length === 5);
      const client = named('test.Errands/Run', SpanKind.CLIENT);
      const server = named('test.Errands/Run', SpanKind.SERVER);
      isChildOf(client, span as unknown as ReadableSpan);
      isChildOf(server, client);
      isChildOf(named('query'), server);
      isChildOf(named('later query'), server);
      expect(client.attributes).to.deep.equal({
        'rpc.system': 'millrace',
        'rpc.service': 'test.Errands',
        'rpc.method': 'Run',
      });
      expect(server.attributes['millrace.actor']).to.match(/\/errands$/);
      expect(client.status.code).to.equal(SpanStatusCode.UNSET);
    });

    it('join a tell and its handler', async () => {
      const ref = await reach({ push: () => user.startSpan('query').end() });
      const { span } = await within(async () => ref.push({}));
      await until(() => exporter.getFinishedSpans().length === 4);
      const producer = named('send test.Errands/Push', SpanKind.PRODUCER);
      const consumer = named('process test.Errands/Push', SpanKind.CONSUMER);
      isChildOf(producer, span as unknown as ReadableSpan);
      isChildOf(consumer, producer);
      isChildOf(named('query'), consumer);
      expect(producer.attributes).to.deep.equal({
        'messaging.system': 'millrace',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'tell',
        'messaging.destination.name': 'test.Errands/Push',
      });
      expect(consumer.attributes).to.include({ 'messaging.operation.type': 'process' });
    });

    it('follow calls from actor to actor, before an await and after it', async () => {
      const second = errandRunner();
      const ref = await reach({
        run: async (_state, { value }, ctx) => {
          const child = ctx.spawn(second);
          child.push({});
          await child.run({ value });
          await child.rush({ value }, ctx.options());
          return { value };
        },
      });
      await within(() => ref.run({ value: 1 }));
      await until(() => exporter.getFinishedSpans().length === 9);
      const outer = exporter.getFinishedSpans().filter(({ name }) => name === 'test.Errands/Run');
      const first = outer.find(
        ({ kind, attributes }) => kind === SpanKind.SERVER && String(attributes['millrace.actor']).endsWith('/errands'),
      );
      expect(first).not.to.equal(undefined);
      const inner = outer.find(
        ({ kind, parentSpanContext }) =>
          kind === SpanKind.CLIENT && parentSpanContext?.spanId === first?.spanContext().spanId,
      );
      expect(inner).not.to.equal(undefined);
      isChildOf(named('send test.Errands/Push'), first as ReadableSpan);
      isChildOf(named('test.Errands/Rush', SpanKind.CLIENT), first as ReadableSpan);
    });

    it('last as long as a stream, and are the parents of what its generator does', async () => {
      const ref = await reach({
        list: async function* (_state, { value }) {
          for (let count = 0; count < value; count++) {
            user.startSpan(`element ${count}`).end();
            yield { value: count };
          }
        },
      });
      await within(async () => {
        const seen: number[] = [];
        for await (const { value } of ref.list({ value: 3 })) seen.push(value);
        expect(seen).to.deep.equal([0, 1, 2]);
      });
      await until(() => exporter.getFinishedSpans().length === 6);
      const server = named('test.Errands/List', SpanKind.SERVER);
      isChildOf(server, named('test.Errands/List', SpanKind.CLIENT));
      for (const count of [0, 1, 2]) isChildOf(named(`element ${count}`), server);
    });

    it('end when the reader of a stream leaves', async () => {
      const ref = await reach({
        list: async function* () {
          for (let value = 0; ; value++) yield { value };
        },
      });
      await within(async () => {
        for await (const { value } of ref.list({})) if (value === 2) break;
      });
      await until(() => exporter.getFinishedSpans().length === 3);
      expect(named('test.Errands/List', SpanKind.CLIENT).status.code).to.equal(SpanStatusCode.UNSET);
    });

    it('have the reason of a refusal, and no error', async () => {
      const ref = await reach({ run: () => Promise.reject(new Refusal('NOT_FOUND', 'no such errand')) });
      await within(() => rejection(ref.run({})));
      expect(named('test.Errands/Run', SpanKind.SERVER).attributes).to.include({ 'millrace.refused': 'NOT_FOUND' });
    });

    it('record what failed, at both ends', async () => {
      const ref = await reach({
        supervision: 'resume',
        run: () => {
          throw Object.assign(new RangeError('unlucky'), { code: 'UNLUCKY' });
        },
        rush: () => later(Promise.reject(new RangeError('too late'))),
        list: async function* () {
          yield {};
          throw new RangeError('broken');
        },
      });
      await within(async () => {
        await rejection(ref.run({}));
        await rejection(ref.rush({}));
        await rejection(
          (async () => {
            for await (const _element of ref.list({}));
          })(),
        );
      });
      await until(() => exporter.getFinishedSpans().length === 7);
      const failed = (name: string, kind: SpanKind): unknown[] => {
        const { status, attributes, events } = named(`test.Errands/${name}`, kind);
        expect(events[0]?.name).to.equal('exception');
        return [status.code, attributes['error.type'], status.message];
      };
      expect(failed('Run', SpanKind.SERVER)).to.deep.equal([SpanStatusCode.ERROR, 'UNLUCKY', 'unlucky']);
      expect(failed('Run', SpanKind.CLIENT)).to.deep.equal([SpanStatusCode.ERROR, 'HANDLER', 'unlucky']);
      expect(failed('Rush', SpanKind.SERVER)).to.deep.equal([SpanStatusCode.ERROR, 'RangeError', 'too late']);
      expect(failed('Rush', SpanKind.CLIENT)).to.deep.equal([SpanStatusCode.ERROR, 'HANDLER', 'too late']);
      expect(failed('List', SpanKind.SERVER)).to.deep.equal([SpanStatusCode.ERROR, 'RangeError', 'broken']);
      expect(failed('List', SpanKind.CLIENT)[0]).to.equal(SpanStatusCode.ERROR);
    });

    it('begin a trace where there is none, and handlers do not see the trace of whoever comes along', async () => {
      const seen: unknown[] = [];
      const ref = await reach({
        push: () => void seen.push(trace.getActiveSpan()?.spanContext().traceId),
        on: { started: (_state, ctx) => void ctx.after(50, () => seen.push(trace.getActiveSpan())) },
      });
      exporter.reset();
      await within(async () => {
        context.with(trace.deleteSpan(context.active()), () => ref.push({}));
        await new Promise<void>((resolve) => place.scheduler.setTimer(100, resolve));
      });
      const consumer = named('process test.Errands/Push');
      expect(seen).to.deep.equal([consumer.spanContext().traceId, undefined]);
      expect(consumer.spanContext().traceId).not.to.equal(named('request').spanContext().traceId);
      expect(named('send test.Errands/Push').parentSpanContext).to.equal(undefined);
    });

    it('are not made for what is ignored, which hands the trace on', async () => {
      const ref = await reach(
        { run: (_state, { value }) => (user.startSpan('query').end(), { value }) },
        { ignore: (method) => method === 'test.Errands.Run' },
      );
      const { span } = await within(() => ref.run({}));
      await until(() => exporter.getFinishedSpans().length === 2);
      isChildOf(named('query'), span as unknown as ReadableSpan);
    });

    it('are not made outside a trace where a parent is required', async () => {
      const ref = await reach({}, { requireParent: true });
      await ref.run({});
      expect(exporter.getFinishedSpans()).to.deep.equal([]);
      await within(() => ref.run({}));
      await until(() => exporter.getFinishedSpans().length === 3);
    });

    it('are not made for what the runtime does for itself', async () => {
      await reach({});
      expect(exporter.getFinishedSpans()).to.deep.equal([]);
    });

    it('hand on what vendors add to the trace', async () => {
      const ref = await reach({});
      const traceState = createTraceState('vendor=1,other=2');
      const remote = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED, traceState };
      await context.with(trace.setSpanContext(context.active(), remote), () => ref.run({}));
      await until(() => exporter.getFinishedSpans().length === 2);
      const server = named('test.Errands/Run', SpanKind.SERVER);
      expect(server.spanContext().traceId).to.equal(remote.traceId);
      expect(server.spanContext().traceState?.serialize()).to.equal('vendor=1,other=2');
    });

    it('are joined without a context manager, too', async () => {
      context.disable();
      try {
        const ref = await reach({
          run: async (_state, { value }, ctx) => {
            await ctx.spawn(errandRunner()).rush({});
            return { value };
          },
        });
        await ref.run({});
        await until(() => exporter.getFinishedSpans().length === 4);
        isChildOf(named('test.Errands/Rush', SpanKind.CLIENT), named('test.Errands/Run', SpanKind.CLIENT));
      } finally {
        context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      }
    });
  });
}

describe('tracing with OpenTelemetry', () => {
  it('takes nonsense of a peer for no trace', async () => {
    const tracing = (await openTelemetry({ tracerProvider: provider })(memoryLogger())) as Tracing;
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (traceParent, traceState) => {
        exporter.reset();
        expect(tracing.handle(Errands.methods.push, 'system/actor', { traceParent, traceState }, () => 5)).to.equal(5);
        expect(named('process test.Errands/Push').parentSpanContext).to.equal(undefined);
      }),
      {
        numRuns: 200,
        examples: [
          ['00-' + '0'.repeat(32) + '-' + '1'.repeat(16) + '-01', ''],
          ['ff-' + '1'.repeat(32) + '-' + '1'.repeat(16) + '-01', ''],
        ],
      },
    );
  });

  it('is nothing but a line in the log where @opentelemetry/api is not installed', async () => {
    const hooks = `export const resolve = (name, context, next) => {
      if (name === '@opentelemetry/api') throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, context);
    };`;
    const program = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
      const { memoryLogger, Runtime } = await import('millrace');
      const { openTelemetry } = await import('millrace/opentelemetry');
      const log = memoryLogger();
      const runtime = await Runtime.start({ log, tracing: openTelemetry() });
      await runtime.stop();
      console.log(log.records.filter(({ level }) => level === 'warn').map(({ message }) => message).join());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
    expect(stdout).to.equal('tracing is off: install @opentelemetry/api\n');
  });
});
