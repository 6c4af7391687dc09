import { inspect } from 'node:util';
import { expect } from 'chai';
import nact from 'nact';
import { type ActorNode, nodeOf, systemKey, type UntypedRef } from '#src/actors/kernel/index.js';
import { dispatch, query, spawnStateless, stop } from '#src/actors/nact/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { ConfigError, ProtocolError } from '#src/errors.js';
import { Deferred } from '#src/deferred.js';
import { rejection } from '../../support/rejection.js';
import { someTurns } from '../../support/until.js';
import { worker } from '../kernel/harness.js';
import { Cluster, closeAfterEach, startFlow, until } from '../runtime/harness.js';
import flow from '../runtime/pipelines/flow.js';

const ROWS = 20;

/** The verbs as plain JavaScript has them. */
interface Verbs {
  readonly dispatch: (actor: unknown, message: unknown, sender?: unknown) => unknown;
  readonly query: (actor: unknown, message: unknown, timeoutMs: number) => Promise<unknown>;
  readonly stop: (actor: unknown) => void;
}

/** Those of Millrace, and those of nact itself. */
const VERBS = [{ dispatch, query, stop }, nact] as unknown as readonly Verbs[];

/** A request that each service of the runtime answers without any effect. */
const QUESTIONS: Readonly<Record<string, object>> = {
  ControlPlane: { list: {} },
  ContextCalls: { follow: { name: 'nobody' } },
  ControlPlaneClient: { locate: { ordinal: 1 } },
  ManifoldService: { describe: {} },
  PartitionRuntime: { describe: {} },
  PipelinesManager: { describe: {} },
  Publisher: { rewire: {} },
  Runtime: { describe: {} },
  SegmentsManager: { describe: {} },
  Spawner: { describe: {} },
  Placer: { leaving: {} },
  Subscriber: { rewire: {} },
  Transport: { describe: {} },
};

/** What is no message to any actor of the runtime. */
const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  'describe',
  7,
  7n,
  Symbol('describe'),
  () => undefined,
  {},
  [],
  new Map(),
  Object.create(null),
  { describe: 7 },
  { describe: 'text' },
  { describe: [] },
  { describe: new Error('an error') },
  { rewire: { joined: 7 } },
  { element: { writer: 'first' } },
  { grant: Symbol('grant') },
  { constructor: {} },
  { __proto__: null, toString: {} },
  { describe: {}, stop: {} },
  { noSuchMethod: 'x'.repeat(4 << 20) },
  Array.from({ length: 100_000 }, (_, index) => index),
];

describe('the actors of a runtime, by the verbs of nact', () => {
  closeAfterEach();

  it('have a name, a path and a parent that lead to each other and to the system', async () => {
    const { actors, runtime } = await runningFlow();
    expect(services(actors)).to.have.members(Object.keys(QUESTIONS));
    for (const { self, name, parent } of actors) {
      expect([self.type, self.name]).to.deep.equal(['actor', name]);
      expect(self.path.parts.at(-1)).to.equal(name);
      expect(self.path.toString()).to.equal(`${self.system.name}://${self.path.parts.join('/')}`);
      expect(self.parent?.type).to.equal(parent === undefined ? 'system' : 'actor');
      expect(self.parent?.path.parts).to.deep.equal(self.path.parts.slice(0, -1));
      expect(self.parent?.system.name).to.equal(self.system.name);
      if (parent !== undefined) expect(self.parent).to.equal(parent.self);
    }
    const systems = new Set(actors.filter(({ parent }) => parent === undefined).map(({ self }) => self.parent));
    expect(systems.size).to.equal(1);
    for (const system of systems) {
      expect(system).to.have.property(systemKey, runtime[systemKey]);
    }
  });

  it('answer the queries of their service, and dispatch the answer to a sender', async () => {
    const { actors, runtime } = await runningFlow();
    const arrived: unknown[] = [];
    const collector = spawnStateless(runtime, (message) => void arrived.push(message), 'collector');
    for (const { self, name } of actors) {
      const question = questionOf(self);
      const before = arrived.length;
      for (const verbs of VERBS) {
        expect(await verbs.query(self, () => question, 1_000), name).to.be.an('object');
        verbs.dispatch(self, question, collector);
      }
      await until(() => arrived.length === before + VERBS.length);
    }
  });

  it('go on after whatever a stranger sends to them', async () => {
    const { actors, actorsNow, runtime, release } = await runningFlow();
    const before = runtime[systemKey].statistics;
    for (const { self, name } of actors) {
      for (const nonsense of NONSENSE) {
        for (const verbs of VERBS) {
          expect(() => verbs.dispatch(self, nonsense), name).to.throw(ProtocolError);
          expect(await rejection(verbs.query(self, () => nonsense, 1_000)), name).to.be.instanceOf(ProtocolError);
        }
      }
    }
    const { actors: count, restarts, failures } = runtime[systemKey].statistics;
    expect([count, restarts, failures]).to.deep.equal([before.actors, before.restarts, before.failures]);
    expect(actorsNow()).to.deep.equal(actors);
    await release();
  });

  it('report a reply that its sender does not take', async () => {
    const { actors, runtime, release } = await runningFlow();
    const typed = runtime.spawn(worker());
    const senders = [...NONSENSE.filter((each) => each !== undefined), typed, runtime, typed.parent];
    // Mocha ignores what would end a process.
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      for (const { self, name } of actors) {
        const question = questionOf(self);
        for (const sender of senders) for (const verbs of VERBS) verbs.dispatch(self, question, sender);
        expect(await VERBS[0]?.query(self, () => question, 1_000), name).to.be.an('object');
      }
      await someTurns();
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).to.deep.equal([]);
    await release();
  });

  it('cannot be stopped one by one', async () => {
    const { actors, actorsNow, release } = await runningFlow();
    for (const { self, name } of actors) {
      for (const verbs of VERBS) {
        expect(() => verbs.stop(self), name).to.throw(ConfigError, 'stop its pipeline, or the runtime');
      }
    }
    expect(actorsNow()).to.deep.equal(actors);
    await release();
  });

  it('leave the actors of users to their stop', async () => {
    const { runtime } = await runningFlow();
    const [first, second] = [runtime.spawn(worker()), runtime.spawn(worker())];
    stop(first);
    nact.stop(second);
    await until(() => nodeOf(first)?.phase === 'stopped' && nodeOf(second)?.phase === 'stopped');
  });
});

describe('the parent of an actor of a runtime', () => {
  closeAfterEach();

  const systemOf = (ref: UntypedRef): NonNullable<UntypedRef['parent']> => {
    if (ref.parent === undefined) throw new Error('no parent');
    return ref.parent;
  };

  it('is one object for all actors of a system, and stops the whole runtime', async () => {
    for (const verbs of VERBS) {
      const runtime = await new Cluster().start();
      const actors = [runtime.spawn(worker()), runtime.spawn(worker())];
      expect(new Set(actors.map(systemOf)).size).to.equal(1);
      expect(inspect(actors.map(systemOf)[0])).to.equal(`ActorSystem<${actors[0]?.system.name}://>`);
      actors.slice(0, 1).map(systemOf).forEach(verbs.stop);
      expect(runtime.isStopping).to.equal(true);
      expect((await runtime.stop()).isDrained).to.equal(true);
    }
  });

  it('spawns, is an actor for a child, and takes what is dispatched to it', async () => {
    const runtime = await new Cluster().start();
    const seen: unknown[] = [];
    const parent = spawnStateless(runtime, (message) => void seen.push(message), 'parent');
    const child = spawnStateless(parent, () => undefined, 'child');
    const sibling = spawnStateless(systemOf(parent), (message) => void seen.push(message), 'sibling');
    expect(systemOf(sibling)).to.equal(systemOf(parent));
    expect(systemOf(child)).to.equal(parent);
    const above = systemOf(child);
    for (const verbs of VERBS) verbs.dispatch(above, 'hello');
    await until(() => seen.length === 2);
    stop(above);
    await until(() => nodeOf(child)?.phase === 'stopped');
  });

  it('counts a message to the system as a dead letter, and refuses a query', async () => {
    const runtime = await new Cluster().start();
    const system = systemOf(runtime.spawn(worker()));
    const lost: unknown[] = [];
    runtime.deadLetters.subscribe(({ message }) => void lost.push(message));
    for (const verbs of VERBS) {
      verbs.dispatch(system, 'hello');
      expect(await rejection(verbs.query(system, () => 'hello', 100))).to.be.instanceOf(ConfigError);
    }
    VERBS[0]?.dispatch(runtime, 'hello');
    expect(lost).to.have.length(3);
    expect(lost[0]).to.have.property('message', 'hello');
  });
});

interface RunningFlow {
  readonly runtime: Runtime;
  /** Those of the runtime itself, at the start. */
  readonly actors: readonly ActorNode[];
  readonly actorsNow: () => readonly ActorNode[];
  /** Lets the pipeline send its rows, and expects all of them at its end. */
  readonly release: () => Promise<void>;
}

/** A runtime with a pipeline that waits for its first row. */
async function runningFlow(): Promise<RunningFlow> {
  const runtime = await new Cluster().start();
  const probe = runtime.spawn(worker(), { name: 'probe' });
  const actorsNow = (): ActorNode[] => actorsAround(probe);
  const gate = new Deferred<void>();
  const { run, board } = await startFlow(
    runtime,
    flow,
    { count: 0 },
    {
      board: (board) => {
        board.source = async (output) => {
          await gate.promise;
          for (let id = 0; id < ROWS; id++) await output.write({ id });
        };
      },
    },
  );
  run.done.catch(() => {});
  const ports = (): number =>
    actorsNow().filter(({ service }) => /v1\.(Publisher|Subscriber)$/.test(service.typeName)).length;
  await until(() => ports() === 4);
  const release = async (): Promise<void> => {
    gate.resolve();
    await run.done;
    expect(board.sunk.map(({ id }) => id)).to.deep.equal(Array.from({ length: ROWS }, (_, id) => id));
  };
  return { runtime, actors: actorsNow(), actorsNow, release };
}

/** The actors of the runtime itself, parents before their children. `probe` is any actor of it. */
function actorsAround(probe: UntypedRef): ActorNode[] {
  const below = (nodes: ReadonlyMap<string, ActorNode>): ActorNode[] =>
    [...nodes.values()].flatMap((node) => [node, ...below(node.children)]);
  const all = below(nodeOf(probe)?.tree.children ?? new Map<string, ActorNode>());
  return all.filter(({ service }) => service.typeName.startsWith('millrace.v1.'));
}

function services(actors: readonly ActorNode[]): string[] {
  return [...new Set(actors.map(({ service }) => service.typeName.replace('millrace.v1.', '')))];
}

function questionOf({ service }: UntypedRef): object {
  const question = QUESTIONS[service.typeName.replace('millrace.v1.', '')];
  if (question === undefined) throw new Error(`no question for ${service.typeName}`);
  return question;
}
