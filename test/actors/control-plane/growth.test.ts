import { expect } from 'chai';
import { OK, State } from '#src/actors/control-plane/index.js';
import {
  type Answer,
  apply,
  type Content,
  type ControlPlaneState,
  Draft,
  type EventKind,
  initialState,
} from '#src/actors/control-plane/state/index.js';
import { PersistentMap } from '#src/persistent-map.js';
import { v1 } from '#src/protocol/index.js';

/** Counts what is read from the maps of the state, and written to them, while `work` runs: a step for each entry. `work` returns what else it counts. */
function stepsOf(work: () => number): number {
  let steps = 0;
  const { prototype } = PersistentMap;
  // oxlint-disable-next-line typescript/unbound-method -- each is applied to the map that it was called on.
  const { get, has, with: put, without, [Symbol.iterator]: iterate } = prototype;
  const counting = <Args extends unknown[], Result>(method: (...args: Args) => Result) =>
    function (this: unknown, ...args: Args): Result {
      steps += 1;
      return Reflect.apply(method, this, args);
    };
  function* counted(this: PersistentMap<number, unknown>): Generator<readonly [number, unknown]> {
    for (const entry of Reflect.apply(iterate, this, []) as Iterable<readonly [number, unknown]>) {
      steps += 1;
      yield entry;
    }
  }
  Object.assign(prototype, {
    get: counting(get),
    has: counting(has),
    with: counting(put),
    without: counting(without),
    [Symbol.iterator]: counted,
  });
  try {
    const more = work();
    steps += more;
  } finally {
    Object.assign(prototype, { get, has, with: put, without, [Symbol.iterator]: iterate });
  }
  return steps;
}

function entriesIn(detail: object): number {
  return Object.values(detail).reduce(
    (sum: number, field: unknown) => sum + (Array.isArray(field) ? field.length : 0),
    0,
  );
}

/** A control plane that is sent events, one after the other. */
class Log {
  state: ControlPlaneState = initialState();
  /** Resources that have changed, and were not looked at yet. */
  changed = new Set<number>();
  #tag = 0;

  /** Entries of the lists in resources that an event has replaced. */
  copied = 0;

  send<Kind extends EventKind>(kind: Kind, content: Content<Kind>): Answer<Kind> {
    const { state, effects, answer } = apply(this.state, kind, content);
    if ('error' in answer) throw answer.error;
    const before = this.state;
    this.state = state;
    for (const effect of effects) {
      if (effect.kind !== 'changed') continue;
      for (const id of effect.ids) {
        this.changed.add(id);
        const resource = state.resources.resources.get(id);
        if (resource !== before.resources.resources.get(id)) this.copied += entriesIn(resource?.detail.value ?? {});
      }
    }
    return answer.reply;
  }

  get tag(): number {
    return ++this.#tag;
  }

  join(launch: string) {
    const { pUid } = this.send('connect', v1.ConnectProcess.create({ launch, name: launch }));
    const addresses = [`memory://${launch}`];
    const registered = this.send(
      'registerPartitions',
      v1.PartitionsToRegister.create({ pUid, tag: this.tag, addresses }),
    );
    const client = v1.Ref.create({ cUid: pUid, service: 'client' });
    const segmentsManagers = [v1.Ref.create({ cUid: pUid + 1n })];
    this.send('activate', v1.ActivateProcess.create({ pUid, tag: this.tag, client, segmentsManagers }));
    return { pUid, ordinal: registered.ordinals?.[0] ?? 0 };
  }
}

/** A chain of segments. */
function runChain(length: number): number {
  const port = (index: number): string => (index > 0 && index < length ? `port-${index}` : '');
  return runParts(
    Array.from({ length: length - 1 }, (_, index) => port(index + 1)),
    Array.from({ length }, (_, index) => ({ ingress: port(index), egress: port(index + 1) })),
  );
}

/** Segments of which half write to a port, and half read from it. */
function runFan(width: number): number {
  const ends = [{ egress: 'port' }, { ingress: 'port' }];
  return runParts(
    ['port'],
    Array.from({ length: width }, (_, index) => ends[index % 2] ?? {}),
  );
}

/** A pipeline from start to end: each part does what is requested of it, one after the other. Returns the entries of lists that were copied. */
function runParts(ports: readonly string[], segments: readonly v1.SegmentPartInit[]): number {
  const log = new Log();
  const { pUid, ordinal } = log.join('m');
  const definition = v1.PipelineDefinition.create({ name: 'chain' });
  const { hash = '' } = log.send(
    'registerDefinition',
    v1.DefinitionToRegister.create({ pUid, tag: log.tag, definition }),
  );
  const { pipeline = 0 } = log.send(
    'startPipeline',
    v1.PipelineToStart.create({ pUid, tag: log.tag, definition: hash }),
  );
  log.send(
    'expandPipeline',
    v1.PipelineParts.create({
      pUid,
      tag: log.tag,
      pipeline,
      manifolds: ports.map((port) => v1.ManifoldPart.create({ port })),
      segments: segments.map((part, index) =>
        v1.SegmentPart.create({ name: `s-${index}`, partition: ordinal, ...part }),
      ),
    }),
  );
  const resource = (id: number): v1.Resource | undefined => log.state.resources.resources.get(id);
  while (log.changed.size > 0) {
    const ids = [...log.changed];
    log.changed.clear();
    for (const id of ids) {
      const part = resource(id);
      const isPart = part?.detail.case === 'segment' || part?.detail.case === 'manifold';
      if (part === undefined || !isPart || part.actual >= part.requested) continue;
      const actor = v1.Ref.create({ cUid: BigInt(id), service: 'manifold' });
      const report = { pUid, tag: log.tag, id, actual: part.requested, outcome: OK, actor };
      log.send('report', v1.ResourceReport.create(report));
    }
  }
  expect(resource(pipeline)?.actual).to.equal(State.DESTROYED);
  return log.copied;
}

/** Processes with ten names each, which join and end. */
function runProcesses(count: number): number {
  const log = new Log();
  const joined = Array.from({ length: count }, (_, index) => log.join(`p-${index}`));
  for (const { pUid } of joined) {
    for (let name = 0; name < 10; name++) {
      const ref = v1.Ref.create({ cUid: BigInt(name) + 100n, service: 's' });
      log.send('registerName', v1.NameToRegister.create({ pUid, tag: log.tag, name: `${pUid}/${name}`, ref }));
    }
  }
  for (const { pUid, ordinal } of joined) {
    new Draft(log.state).members.locate(ordinal, 0n);
    log.send('retire', { pUid, cause: 'it left', isLost: false });
  }
  expect([...log.state.resources.resources]).to.deep.equal([]);
  return log.copied;
}

describe('the work of the control plane', () => {
  const cases: readonly (readonly [string, (size: number) => number, number])[] = [
    ['the segments of a pipeline', runChain, 4_000],
    ['segments that share a port', runFan, 4_000],
    ['processes with ten names each', runProcesses, 1_000],
  ];

  for (const [what, run, most] of cases) {
    it(`grows with the number of ${what}, and no faster`, function () {
      this.timeout(120_000);
      const few = stepsOf(() => run(most / 10));
      const many = stepsOf(() => run(most));
      expect(many / few).to.be.within(8, 12);
      // Each step costs the logarithm of the size of its map: three times as much in a map of 1,000 entries as in one of 10.
      expect(many).to.be.lessThan(400 * most);
    });
  }
});
