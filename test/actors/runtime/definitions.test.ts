import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import {
  type Pipeline,
  type PipelineBuilder,
  pipeline,
  type RunOptions,
  type Runtime,
} from '#src/actors/runtime/index.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster, describePlacements, describeRuntime, startFlow } from './harness.js';
import impure from './pipelines/bad/other-each-time.js';
import flow from './pipelines/flow.js';
import { Row } from './row.js';

const nothing = (): void => {};
/** Calls what the compiler refuses, as a user of JavaScript may. */
const untyped = (value: unknown): never => value as never;

function declared(declare: (builder: PipelineBuilder) => void, url?: string): Pipeline<unknown> {
  return pipeline<unknown>('bad', url, (builder) => declare(builder));
}

describePlacements('a definition that is wrong', (newCluster) => {
  let cluster: Cluster;
  let runtime: Runtime;
  before(async () => {
    cluster = newCluster();
    cluster.isShared = true;
    runtime = await cluster.start();
  });
  after(() => cluster.close());

  const refused: Record<string, readonly [(builder: PipelineBuilder) => void, RegExp]> = {
    'has no segment': [nothing, /has no segment/],
    'leaves a port without a reader': [(p) => void p.source('a', Row, nothing), /port "a" of "a" is not connected/],
    'leaves a port without a writer': [
      (p) => p.sink('z', p.port('lonely', Row), nothing),
      /port "lonely" is read by "z" but nothing writes to it/,
    ],
    'has a cycle': [
      (p) => {
        const back = p.port('back', Row);
        const there = p.segment('a', back, Row, nothing);
        p.segment('b', there, back, nothing);
      },
      /cycle: a -> b -> a/,
    ],
    'has a segment that reads what it writes': [
      (p) => {
        const loop = p.port('loop', Row);
        p.segment('a', loop, loop, nothing);
      },
      /cycle: a -> a/,
    ],
    'has two producers of one port': [
      (p) => {
        const port = p.port('shared', Row);
        p.source('a', port, nothing);
        p.source('b', port, nothing);
      },
      /"a" and "b" both write to port "shared"/,
    ],
    'has two readers of one port': [
      (p) => {
        const rows = p.source('a', Row, nothing);
        p.sink('y', rows, nothing);
        p.sink('z', rows, nothing);
      },
      /"y" and "z" both read from port "a"/,
    ],
    'names two ports alike': [
      (p) => {
        p.port('same', Row);
        p.port('same', Row);
      },
      /two ports are named "same"/,
    ],
    'names two segments alike': [
      (p) => {
        p.sink('z', p.source('a', Row, nothing), nothing);
        p.sink('z', p.source('b', Row, nothing), nothing);
      },
      /two segments are named "z"/,
    ],
    'names a segment badly': [(p) => void p.source('a b', Row, nothing), /letters, digits/],
    'is to be placed with a segment that is not there': [
      (p) => p.sink('z', p.source('a', Row, nothing), { with: 'nobody' }, nothing),
      /placed with "nobody"/,
    ],
    'has a number of instances that is none': [
      (p) => p.sink('z', p.source('a', Row, nothing), { instances: 1.5 }, nothing),
      /instances of segment "z" must be a whole number from 1 to .*, not 1.5/,
    ],
    'has no instance': [
      (p) => p.sink('z', p.source('a', Row, nothing), { instances: 0 }, nothing),
      /whole number from 1 to .*, not 0/,
    ],
    'has an unknown policy': [
      (p) => p.sink('z', p.source('a', Row, { policy: untyped('random') }, nothing), nothing),
      /one of round-robin, least-loaded, broadcast, hash; got "random"/,
    ],
    'hashes without a key': [
      (p) => p.sink('z', p.source('a', Row, { policy: 'hash' }, nothing), nothing),
      /port "a" needs a key with the policy hash/,
    ],
    'has a key without the policy hash': [
      (p) => p.sink('z', p.source('a', Row, { key: ({ id }) => id }, nothing), nothing),
      /needs a key with the policy hash, and only with that/,
    ],
    'has a port without a message type': [(p) => void p.port('a', untyped({})), /needs a message type/],
    'has a segment without a message type': [
      (p) => void p.source('a', untyped('Row'), nothing),
      /needs a message type/,
    ],
    'has a segment without a function': [(p) => void p.source('a', Row, untyped({})), /needs its function/],
    'has a segment whose options are none': [
      (p) => void p.source('a', Row, untyped(undefined), nothing),
      /its options before it/,
    ],
    'reads from what is no port': [
      (p) => p.sink('z', untyped(undefined), nothing),
      /segment "z" must read from a port/,
    ],
    'uses a port of another pipeline': [
      (p) => p.sink('z', untyped({ name: 'elsewhere', type: Row }), nothing),
      /port "elsewhere" of segment "z" belongs to another pipeline/,
    ],
  };

  for (const [what, [declare, message]] of Object.entries(refused)) {
    it(`is a ConfigError before anything starts when it ${what}`, async () => {
      const error = await rejection(runtime.run(declared(declare)));
      expect(error).to.be.instanceOf(ConfigError);
      expect(String(error)).to.match(message);
    });
  }

  it('is a ConfigError when it is made with a bad name or bad options', () => {
    expect(() => pipeline('a b', undefined, nothing)).to.throw(ConfigError, 'letters, digits');
    expect(() => pipeline('a', undefined, nothing, { onFailure: untyped('retry') })).to.throw(
      ConfigError,
      'fail or restart',
    );
    expect(() => pipeline('a', undefined, nothing, { maxRestarts: -1 })).to.throw(ConfigError, 'whole number');
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  const notJson: Record<string, readonly [unknown, string]> = {
    'a function': [{ read: nothing }, 'args.read'],
    'a BigInt': [{ from: [1, 2n] }, 'args.from[1]'],
    'a number that JSON does not have': [{ limit: Number.NaN }, 'args.limit'],
    'a Date': [{ since: new Date(0) }, 'args.since'],
    'a Map': [new Map(), 'args'],
    'a circle': [circle, 'args.self'],
    'undefined in a list': [[undefined], 'args[0]'],
  };
  for (const [what, [args, path]] of Object.entries(notJson)) {
    it(`is a ConfigError when its arguments hold ${what}`, async () => {
      const error = await rejection(runtime.run(declared(twoSegments), { args }));
      expect(error).to.be.instanceOf(ConfigError);
      expect(String(error)).to.include('must be JSON').and.include(path);
    });
  }

  const options: Record<string, readonly [RunOptions<unknown>, RegExp]> = {
    'instances of an unknown segment': [{ instances: { nobody: 1 } }, /no segment "nobody"; it has source, sink/],
    'partitions of an unknown segment': [{ partitions: { nobody: [1] } }, /no segment "nobody"/],
    'instances that are no number': [{ instances: { sink: untyped('2') } }, /whole number from 1/],
    'no instances': [{ instances: { sink: 0 } }, /whole number from 1/],
    'an impossible number of instances': [{ instances: { sink: 1e9 } }, /from 1 to \d+/],
    'partitions that are no ordinals': [{ partitions: { sink: untyped(1) } }, /ordinals/],
  };
  for (const [what, [given, message]] of Object.entries(options)) {
    it(`is a ConfigError when it is run with ${what}`, async () => {
      const error = await rejection(runtime.run(declared(twoSegments), given));
      expect(error).to.be.instanceOf(ConfigError);
      expect(String(error)).to.match(message);
    });
  }

  it('fails with the segment and the partitions that it may use, where none of them is there', async () => {
    const { run } = await startFlow(runtime, flow, { count: 1 }, { partitions: { sink: [77] } });
    expect(String(await rejection(run.done))).to.match(/Segment "sink" has no partition .* 77/);
  });
});

describe('a definition without a module, which runs where it was made', () => {
  closeAfterEach();

  it('sees its arguments as every other partition does', async () => {
    const runtime = await new Cluster().start();
    const seen: unknown[] = [];
    const showing = pipeline<unknown>('showing', undefined, (builder, args) => {
      seen.push(args);
      twoSegments(builder);
    });
    const args = { list: [1, 'two', null], none: undefined, nested: { yes: true } };
    await (await runtime.run(showing, { args })).done;
    expect(seen[0]).to.deep.equal({ list: [1, 'two', null], nested: { yes: true } });
    await (await runtime.run(showing)).done;
    expect(seen.at(-1)).to.deep.equal({});
  });
});

describeRuntime({ title: 'a definition that travels', shares: true }, (start) => {
  const folder = new URL('./pipelines/', import.meta.url);
  const refused: Record<string, readonly [Pipeline<unknown>, RegExp]> = {
    'has no module URL': [declared(twoSegments), /has no module URL/],
    'has a module that is missing': [
      declared(twoSegments, new URL('missing.js', folder).href),
      /missing.js cannot be loaded/,
    ],
    'has a URL that is code': [
      declared(twoSegments, 'data:text/javascript,export default 1'),
      /only file: URLs of modules are loaded/,
    ],
    'has a module without a pipeline': [
      declared(twoSegments, new URL('bad/no-pipeline.js', folder).href),
      /no pipeline as its default export/,
    ],
    'has a module that builds another one': [
      declared(twoSegments, new URL('flow.js', folder).href),
      /is built differently here|there is no/,
    ],
    'has a function that is not pure': [impure, /must be pure/],
  };
  for (const [what, [bad, message]] of Object.entries(refused)) {
    it(`is a ConfigError before anything starts when it ${what}`, async () => {
      const { runtime, cluster } = await start();
      await cluster.start();
      const error = await rejection(runtime.run(bad));
      expect(error).to.be.instanceOf(ConfigError);
      expect(String(error)).to.match(message);
    });
  }
});

function twoSegments(builder: PipelineBuilder): void {
  builder.sink('sink', builder.source('source', Row, nothing), async (input) => {
    for await (const _row of input);
  });
}
