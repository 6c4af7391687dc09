import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { AskTimeoutError, HandlerError, type MillraceError, StoppedError, UnreachableError } from '#src/errors.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, Listing } from './errands.js';
import { endWorlds, errands, listing, PartitionWorld } from './partitions.js';

type Ref = ActorRef<typeof Errands>;

async function buyBread(ref: Ref): Promise<number> {
  const { value } = await ref.run({ value: 1 }, { timeoutMs: 20_000 });
  return value;
}

async function buyMilk(ref: Ref): Promise<number> {
  const { value } = await ref.run({ value: 1 }, { timeoutMs: 20_000 });
  return value;
}

function expectCaller(error: MillraceError, caller: string, other?: string): void {
  expect(error.stack?.split('\n')[0]).to.equal(`${error.name}: ${error.message}`);
  expect(error.stack).to.match(new RegExp(`\\n +at .*${caller}.*caller-stack\\.test`));
  if (other !== undefined) expect(error.stack).to.not.include(other);
}

describe('the stack of the error that an ask over a link fails with names those who wait', () => {
  afterEach(endWorlds);

  async function setUp(run: () => Promise<object>) {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const worker = far.system.spawn(errands({ run }));
    return { world, near, far, worker, ref: world.reach(near, Errands, worker) };
  }

  const unanswered = (): Promise<never> => new Promise(() => {});

  it('when the deadline has passed, and when the actor has stopped', async () => {
    const { ref, far, worker } = await setUp(unanswered);
    const late = await millraceRejection(buyBread(ref));
    expect(late).to.be.instanceOf(AskTimeoutError);
    expectCaller(late, 'buyBread');
    await far.system.stop(worker);
    const stopped = await millraceRejection(buyBread(ref));
    expect(stopped).to.be.instanceOf(StoppedError);
    expectCaller(stopped, 'buyBread');
  });

  it('when the handler throws', async () => {
    const { ref } = await setUp(() => Promise.reject(new RangeError('sold out')));
    const error = await millraceRejection(buyBread(ref));
    expect(error).to.be.instanceOf(HandlerError).with.property('message', 'sold out');
    expectCaller(error, 'buyBread');
  });

  it('when the process at the other end has crashed: each error names its own caller', async () => {
    const { world, near, ref } = await setUp(unanswered);
    const asked = [millraceRejection(buyBread(ref)), millraceRejection(buyMilk(ref))];
    await until('both to be on their way', () => near.system.statistics.pendingAsks === 2);
    world.network.crash('b/1');
    const [bread, milk] = await Promise.all(asked);
    expect([bread, milk]).to.satisfy((all: unknown[]) => all.every((error) => error instanceof UnreachableError));
    if (bread !== undefined) expectCaller(bread, 'buyBread', 'buyMilk');
    if (milk !== undefined) expectCaller(milk, 'buyMilk', 'buyBread');
    // The link that has ended refuses later calls: with an error for each.
    const later = await Promise.all([millraceRejection(buyBread(ref)), millraceRejection(buyMilk(ref))]);
    expectCaller(later[0], 'buyBread', 'buyMilk');
    expectCaller(later[1], 'buyMilk', 'buyBread');
  });

  it('is another for each stream of a link that has ended', async () => {
    const { world, near, far } = await setUp(unanswered);
    const actor = far.system.spawn(
      listing({
        async *list() {
          yield { value: 1 };
          await unanswered();
        },
      }),
    );
    const lister = world.reach(near, Listing, actor);
    const read = async (): Promise<void> => {
      for await (const _errand of lister.list({}, { timeoutMs: 20_000 }));
    };
    const reading = [millraceRejection(read()), millraceRejection(read())];
    await until('both to be read', () => far.system.statistics.openStreams === 2);
    world.network.crash('b/1');
    const errors = await Promise.all([...reading, millraceRejection(read()), millraceRejection(read())]);
    for (const error of errors) expect(error).to.be.instanceOf(UnreachableError);
    expect(new Set(errors).size).to.equal(errors.length);
  });
});
