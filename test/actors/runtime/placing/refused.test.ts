import { expect } from 'chai';
import { CapacityError, ConfigError, HandlerError, ProtocolError, UnreachableError } from '#src/errors.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { pendingBecause } from '../../../support/pending.js';
import { rejection } from '../../../support/rejection.js';
import { eventually } from '../../../support/until.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { type Cluster, describePlacements } from '../harness.js';
import { adder, changed, garbled, lost, other, sent, stateless, thrower, unstarted } from './components.js';

interface Fault {
  readonly title: string;
  readonly place: (runtime: Runtime) => Promise<unknown>;
  readonly error: new (...args: never[]) => Error;
  readonly says?: string;
  /** It needs a partition in which modules are loaded again. */
  readonly isHosted?: boolean;
}

const GROUP = 'members';

const FAULTS: readonly Fault[] = [
  { title: 'its module is not there', place: (runtime) => runtime.place(lost, { group: GROUP }), error: ConfigError },
  {
    title: 'its module does not export it',
    place: (runtime) => runtime.place(other, { group: GROUP }),
    error: ConfigError,
  },
  {
    title: 'it is another version there',
    place: (runtime) => runtime.place(changed, { group: GROUP }),
    error: ConfigError,
    says: 'it is version "elsewhere" here, and "test" where it was placed',
    isHosted: true,
  },
  {
    title: 'its arguments do not decode',
    place: (runtime) => runtime.place(garbled, { group: GROUP }),
    error: ProtocolError,
  },
  { title: 'its factory throws', place: (runtime) => runtime.place(thrower, { group: GROUP }), error: HandlerError },
  {
    title: 'its state cannot be created',
    place: (runtime) => runtime.place(stateless, { group: GROUP }),
    error: HandlerError,
  },
  {
    title: 'one of several cannot start',
    place: (runtime) => runtime.place(unstarted, { instances: 2, group: GROUP }),
    error: HandlerError,
  },
  {
    title: 'the partition has no room for all of them',
    place: (runtime) => runtime.place(adder, { instances: 3, group: GROUP }),
    error: CapacityError,
  },
  {
    title: 'nothing has the label',
    place: (runtime) => runtime.place(adder, { on: { label: 'gpu' }, group: GROUP }),
    error: UnreachableError,
  },
  {
    title: 'its name is that of another actor',
    place: (runtime) => runtime.place(adder, { register: 'taken', group: GROUP }),
    error: ConfigError,
  },
  {
    title: 'its name is that of a group',
    place: (runtime) => runtime.place(adder, { register: 'crowd', group: GROUP }),
    error: ConfigError,
  },
];

function actorsIn(runtime: Runtime): readonly number[] {
  return runtime.metrics().partitions.map(({ actors }) => actors);
}

describePlacements({ title: 'a component that cannot be placed', everywhere: true }, (newCluster) => {
  let cluster: Cluster | undefined;
  after(() => cluster?.close());

  /** One for all tests, whose second partition has room for two actors. */
  async function opened(): Promise<{ readonly cluster: Cluster; readonly runtime: Runtime }> {
    const [found] = cluster?.started ?? [];
    if (cluster !== undefined && found !== undefined) return { cluster, runtime: found };
    cluster = newCluster();
    cluster.isShared = true;
    const runtime = await cluster.start({ system: { partitions: 2 }, maxPlacedActors: 2 });
    await runtime.register('taken', runtime.spawn(errandRunner()));
    await runtime.register('crowd', runtime.spawn(errandRunner()), { group: true });
    // The partition has begun to report.
    await runtime.stopActor(await runtime.place(adder));
    return { cluster, runtime };
  }

  it('is refused where the URL of its module is code, which does not run', async function () {
    const { cluster, runtime } = await opened();
    if (cluster.isVirtual) pendingBecause(this, 'each partition of one thread has the same modules');
    expect(await rejection(runtime.place(sent)))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('only file: URLs of modules are loaded');
  });

  for (const { title, place, error, says = '', isHosted = false } of FAULTS) {
    it(`is refused, and leaves nothing, where ${title}`, async function () {
      const world = await opened();
      const { runtime } = world;
      if (isHosted && world.cluster.isVirtual)
        pendingBecause(this, 'each partition of one thread has the same modules');
      const before = actorsIn(runtime);
      expect(await rejection(place(runtime)))
        .to.be.instanceOf(error)
        .with.property('message')
        .that.includes(says);
      await eventually(() => actorsIn(runtime).every((count, index) => count <= (before[index] ?? 0)));
      const members: number[] = [];
      const unwatch = await runtime.watchGroup(Errands, GROUP, (refs) => members.push(refs.length));
      unwatch();
      expect(members).to.deep.equal([0]);
      // All places of the partition are free.
      const refs = await runtime.place(adder, { instances: 2 });
      const replies = await Promise.all(refs.map((ref) => ref.run({ value: 4 })));
      expect(replies.map(({ value }) => value)).to.deep.equal([4, 4]);
      for (const ref of refs) await runtime.stopActor(ref);
    });
  }
});
