import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { Executor } from '#src/index.js';
import { openTelemetry } from '#src/opentelemetry/index.js';
import { until } from '../actors/runtime/harness.js';
import { Depot } from '../actors/transport/errands.js';
import { depot } from '../actors/transport/partitions.js';
import { readAll } from '../support/read-all.js';
import { rejection } from '../support/rejection.js';
import { numbersBelow } from '../support/sources.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const user = provider.getTracer('user');

function named(name: string, kind?: SpanKind): ReadableSpan {
  const found = exporter.getFinishedSpans().filter((span) => span.name === name && (kind ?? span.kind) === span.kind);
  expect(found, `spans ${name}`).to.have.length(1);
  return found[0] as ReadableSpan;
}

for (const isFar of [false, true]) {
  describe(`spans of streams of requests to an actor ${isFar ? 'on another node' : 'in the same partition'}`, () => {
    let executor: Executor;

    before(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
    after(() => context.disable());
    beforeEach(() => exporter.reset());
    afterEach(() => executor.stop());

    async function reach(definition: Parameters<typeof depot>[0]) {
      executor = new Executor({ seed: 7, latencyMs: 1 });
      const tracing = openTelemetry({ tracerProvider: provider });
      const home = await executor.start({ tracing, node: 'node-0' });
      const caller = isFar ? await executor.start({ tracing, node: 'node-1', controlPlane: home.controlPlane }) : home;
      home.spawn(depot(definition), { name: 'depot', register: true });
      return caller.lookup(Depot, 'depot');
    }

    it('last as long as the call; what its source does belongs to the trace of the caller', async () => {
      const ref = await reach({
        load: async (_state, requests) => {
          let sum = 0;
          for await (const { value } of requests) {
            user.startSpan(`read ${value}`).end();
            sum += value;
          }
          return { value: sum };
        },
      });
      const source = (name: string) => numbersBelow(3, (value) => user.startSpan(`${name} ${value}`).end());
      await user.startActiveSpan('request', async (span) => {
        expect(await ref.load(source('sent'))).to.include({ value: 3 });
        expect(await readAll(ref.chat(source('said')))).to.deep.equal({ values: [0, 2, 4] });
        span.end();
      });
      await until(() => exporter.getFinishedSpans().length === 14);
      const { traceId } = named('request').spanContext();
      for (const name of ['Load', 'Chat']) {
        const client = named(`test.Depot/${name}`, SpanKind.CLIENT);
        const server = named(`test.Depot/${name}`, SpanKind.SERVER);
        expect(client.parentSpanContext?.spanId).to.equal(named('request').spanContext().spanId);
        expect(server.parentSpanContext?.spanId).to.equal(client.spanContext().spanId);
      }
      const load = named('test.Depot/Load', SpanKind.SERVER).spanContext();
      for (const value of [0, 1, 2]) {
        expect(named(`read ${value}`).parentSpanContext?.spanId).to.equal(load.spanId);
        for (const name of ['sent', 'said']) expect(named(`${name} ${value}`).spanContext().traceId).to.equal(traceId);
      }
    });

    it('record what the source throws', async () => {
      const ref = await reach({});
      await rejection(ref.load(numbersBelow(3, (value) => value === 1 && Promise.reject(new RangeError('lost')))));
      await until(() => exporter.getFinishedSpans().length === 2);
      for (const kind of [SpanKind.CLIENT, SpanKind.SERVER]) {
        expect(named('test.Depot/Load', kind).status.code).to.equal(SpanStatusCode.ERROR);
      }
      expect(named('test.Depot/Load', SpanKind.CLIENT).attributes['error.type']).to.equal('RangeError');
      expect(named('test.Depot/Load', SpanKind.SERVER).attributes['error.type']).to.equal('SOURCE');
    });
  });
}
