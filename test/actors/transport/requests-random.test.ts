import { expect } from 'chai';
import fc from 'fast-check';
import { AskTimeoutError, HandlerError, MillraceError, SourceError } from '#src/errors.js';
import type { ActorRef, Stream } from '#src/actors/kernel/index.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { numbersBelow } from '../../support/sources.js';
import { until } from '../../support/until.js';
import { Depot } from './errands.js';
import { depot, endWorlds, PartitionWorld } from './partitions.js';

/** One call: what its source has, how its handler reads, and when one of them fails or leaves. */
const plans = fc.record({
  count: fc.nat(40),
  isChat: fc.boolean(),
  isFromFar: fc.boolean(),
  /** Pauses, in ms. */
  sourceMs: fc.constantFrom(0, 0, 1, 20),
  readerMs: fc.constantFrom(0, 0, 1, 20),
  windowItems: fc.integer({ min: 1, max: 9 }),
  sourceFailsAt: fc.option(fc.nat(50), { nil: undefined, freq: 3 }),
  handlerFailsAt: fc.option(fc.nat(50), { nil: undefined, freq: 3 }),
  handlerLeavesAt: fc.option(fc.nat(50), { nil: undefined, freq: 3 }),
  callerLeavesAt: fc.option(fc.nat(50), { nil: undefined, freq: 3 }),
});
type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never;

const chance = fc.constantFrom(0, 0, 0.05, 0.2);
const simulations = fc.record({
  seed: fc.nat(1_000_000),
  network: fc.record({
    latencyMs: fc.constantFrom(0, 2),
    jitterMs: fc.constantFrom(0, 4),
    loss: chance,
    duplicate: chance,
    reorder: chance,
  }),
  all: fc.array(plans, { minLength: 1, maxLength: 6 }),
  fault: fc.constantFrom('none', 'none', 'crash', 'cut for a while', 'cut for good'),
  faultAtMs: fc.nat(80),
});
type Simulation = typeof simulations extends fc.Arbitrary<infer T> ? T : never;

class SourceLost extends Error {}

/** What became of one call. */
interface Call {
  readonly plan: Plan;
  /** What the source has handed over. */
  readonly given: number[];
  /** What the handler has read. */
  readonly read: number[];
  reader: 'none' | 'open' | 'complete' | 'left' | Error;
  caller: 'open' | 'answered' | 'left' | Error;
  /** Sources that were begun, and that have ended. */
  begun: number;
  ended: number;
}

class Run {
  readonly #world: PartitionWorld;
  readonly calls: Call[];

  constructor(world: PartitionWorld, all: readonly Plan[]) {
    this.#world = world;
    this.calls = all.map((plan) => ({ plan, given: [], read: [], reader: 'none', caller: 'open', begun: 0, ended: 0 }));
  }

  actor() {
    return depot({
      load: async (_state, requests, { meta }) => {
        let count = 0;
        for await (const _request of this.#read(requests, Number(meta?.['call']))) count++;
        return { value: count };
      },
      chat: (_state, requests, { meta }) => this.#read(requests, Number(meta?.['call'])),
    });
  }

  async *#read(requests: Stream<{ value: number }>, index: number): AsyncGenerator<{ value: number }> {
    const call = this.calls[index];
    if (call === undefined) {
      yield* requests;
      return;
    }
    const { handlerFailsAt, handlerLeavesAt, readerMs } = call.plan;
    call.reader = 'open';
    try {
      for await (const { value } of requests) {
        if (value === handlerFailsAt) throw new Error('fails');
        if (value === handlerLeavesAt) return;
        call.read.push(value);
        if (readerMs > 0) await this.#world.pass(readerMs);
        yield { value };
      }
      call.reader = 'complete';
    } catch (error) {
      call.reader = error instanceof Error ? error : new Error('no error');
      throw error;
    } finally {
      if (call.reader === 'open') call.reader = 'left';
    }
  }

  async *#source(call: Call): AsyncGenerator<{ value: number }> {
    const { count, sourceFailsAt, sourceMs } = call.plan;
    call.begun++;
    try {
      for (let value = 0; value < count; value++) {
        if (value === sourceFailsAt) throw new SourceLost('lost');
        if (sourceMs > 0) await this.#world.pass(sourceMs);
        call.given.push(value);
        yield { value };
      }
    } finally {
      call.ended++;
    }
  }

  async make(call: Call, index: number, ref: ActorRef<typeof Depot>): Promise<void> {
    const { isChat, windowItems, callerLeavesAt } = call.plan;
    const options = { meta: { call: String(index) }, timeoutMs: 20_000 };
    try {
      if (isChat) {
        for await (const { value } of ref.chat(this.#source(call), { ...options, windowItems })) {
          if (value === callerLeavesAt) {
            call.caller = 'left';
            return;
          }
        }
      } else await ref.load(this.#source(call), options);
      call.caller = 'answered';
    } catch (error) {
      call.caller = error instanceof Error ? error : new Error('no error');
    }
  }
}

async function simulate({ seed, network, all, fault, faultAtMs }: Simulation): Promise<void> {
  const world = new PartitionWorld({ seed, ...network, linkDeadMs: 5_000 });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const run = new Run(world, all);
  const there = world.reach(near, Depot, far.system.spawn(run.actor()));
  const here = world.reach(far, Depot, near.system.spawn(run.actor()));
  for (const [index, call] of run.calls.entries()) void run.make(call, index, call.plan.isFromFar ? here : there);
  await world.pass(faultAtMs);
  if (fault === 'crash') world.network.crash('b');
  if (fault.startsWith('cut')) {
    world.network.partition(['a'], ['b']);
    await world.pass(fault === 'cut for good' ? 30_000 : 1_500);
    world.network.heal();
  }
  await until('all callers to be done', () => run.calls.every(({ caller }) => caller !== 'open'));
  const open = (): number => near.system.statistics.openStreams + far.system.statistics.openStreams;
  await until('all streams to be gone', () => open() === 0);
  await until('all handlers to be done', () => run.calls.every(({ reader }) => reader !== 'open'));
  await until('all sources to be told', () => run.calls.every(({ begun, ended }) => begun === ended));
  for (const call of run.calls) check(call, fault, network.loss + network.reorder > 0);
  if (fault !== 'crash') {
    const { values } = await readAll(there.chat(numbersBelow(3), { timeoutMs: 60_000 }));
    expect(values, 'goes on when all is well').to.deep.equal([0, 1, 2]);
  }
}

/** Each request that was given is read once and in order, or the call failed at both ends. */
function check({ plan, given, read, reader, caller, begun }: Call, fault: string, isLossy: boolean): void {
  const { count, sourceFailsAt = count, handlerFailsAt = count, handlerLeavesAt = count } = plan;
  expect(begun, 'no source is begun twice').to.be.at.most(1);
  expect(read, 'in order, and once').to.deep.equal(upTo(read.length));
  expect(read.length, 'nothing is read that was not given').to.be.at.most(given.length);
  if (reader === 'complete') expect(read).to.have.length(count);
  if (caller === 'answered') {
    expect(reader).to.be.oneOf(['complete', 'left']);
    if (reader === 'left') expect(read).to.have.length(handlerLeavesAt);
    return;
  }
  if (caller === 'left') return;
  if (caller instanceof SourceLost) {
    expect(given).to.have.length(sourceFailsAt);
    expect(reader).to.not.equal('complete');
    if (reader instanceof SourceError) expect(reader.message).to.equal('lost');
    return;
  }
  if (caller instanceof HandlerError) {
    expect(reader).to.be.instanceOf(Error);
    expect(read).to.have.length(handlerFailsAt);
    return;
  }
  expect(caller).to.be.instanceOf(MillraceError);
  if (!(caller instanceof AskTimeoutError && isLossy))
    expect(fault).to.be.oneOf(['crash', 'cut for good', 'cut for a while']);
}

describe('streams of requests over links at random', () => {
  afterEach(endWorlds);

  it('are read once and in order, or fail at both ends, whatever becomes of frames and links', async () => {
    await fc.assert(
      fc.asyncProperty(simulations, async (simulation) => {
        await simulate(simulation);
        await endWorlds.call({} as Mocha.Context);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  }).timeout(120_000);
});
