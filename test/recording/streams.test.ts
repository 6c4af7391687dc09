import { expect } from 'chai';
import { type AnyBehavior, behavior } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import type { v1 } from '#src/protocol/on-demand/index.js';
import { actorNamed, readRecording, Recorder, replay } from '#src/recording/index.js';
import { Errands, Listing } from '../actors/transport/errands.js';

/** Counts from the request's value down to 0; adds `change` to each element. Its `finally` tells itself that it is over. */
function countdown(change = 0) {
  return behavior(Listing, {
    state: () => ({ over: 0 }),
    push: (state) => void state.over++,
    run: (state) => ({ value: state.over }),
    async *list(_state, { value }, ctx) {
      try {
        for (let left = value; left >= 0; left--) {
          if (left === 13) throw new RangeError('unlucky');
          yield { value: left + change + Math.floor(ctx.scheduler.random()) };
        }
      } finally {
        ctx.ref(Listing, ctx.self.toRef()).push({});
      }
    },
  });
}

/** Adds up what its child counts, until the sum is past the request's value. */
function adder(factor = 1) {
  return behavior(Errands, {
    state: (ctx) => ctx.spawn(countdown(), { name: 'countdown' }),
    push: () => {},
    urge: () => {},
    rush: () => ({}),
    run: async (child, { value }) => {
      let sum = 0;
      for await (const element of child.list({ value: 12 }, { windowItems: 2 })) {
        sum += element.value * factor;
        if (sum > value) break;
      }
      return { value: sum };
    },
  });
}

async function recorded(
  actors: readonly string[],
  scene: (executor: Executor, isFar: boolean) => Promise<void>,
  isFar: boolean,
): Promise<(name: string) => readonly v1.RecordedEvent[]> {
  const pieces: Uint8Array[] = [];
  const recorder = new Recorder({ actors, write: (bytes) => void pieces.push(bytes), header: {} });
  const executor = new Executor({ seed: 5, latencyMs: 1, interceptor: recorder });
  await scene(executor, isFar);
  await executor.stop();
  const recording = readRecording(Buffer.concat(pieces));
  return (name) => actorNamed(recording, name).events;
}

async function listing(executor: Executor, isFar: boolean): Promise<void> {
  const home = await executor.start({ node: 'node-0' });
  const reader = isFar ? await executor.start({ node: 'node-1', controlPlane: home.controlPlane }) : home;
  home.spawn(countdown(), { name: 'countdown', register: true });
  const ref = await reader.lookup(Listing, 'countdown');
  const seen: number[] = [];
  for await (const { value } of ref.list({ value: 5 })) seen.push(value);
  expect(seen).to.deep.equal([5, 4, 3, 2, 1, 0]);
  for await (const { value } of ref.list({ value: 9 }, { windowItems: 2 })) if (value === 7) break;
  const failed = await (async () => {
    for await (const element of ref.list({ value: 15 })) void element;
  })().then(
    () => false,
    () => true,
  );
  expect(failed).to.equal(true);
  await ref.run({});
}

function kindsOf(events: readonly v1.RecordedEvent[]): ReadonlySet<string | undefined> {
  return new Set(events.map(({ event }) => event.case));
}

async function expectSame(made: AnyBehavior, events: readonly v1.RecordedEvent[]): Promise<void> {
  expect(await replay(made, events)).to.equal(undefined);
}

for (const isFar of [false, true]) {
  describe(`a recorded stream, read from ${isFar ? 'another node' : 'the same partition'}`, () => {
    it('is served again, pull by pull, to its end, to its cancelling and to its failure', async () => {
      const events = (await recorded(['countdown'], listing, isFar))('countdown');
      expect([...kindsOf(events)]).to.include.members(['pulled', 'yielded', 'cancelled', 'told']);
      await expectSame(countdown(), events);
    });

    it('shows where another element is yielded', async () => {
      const events = (await recorded(['countdown'], listing, isFar))('countdown');
      const difference = await replay(countdown(1), events);
      expect(difference?.recorded?.case).to.equal('yielded');
      expect(difference?.during?.event.case).to.equal('pulled');
    });
  });
}

describe('a recorded actor that reads a stream', () => {
  const scene = async (executor: Executor): Promise<void> => {
    const runtime = await executor.start();
    const sums = runtime.spawn(adder(), { name: 'adder' });
    expect((await sums.run({ value: 30 })).value).to.equal(33);
    expect((await sums.run({ value: 100 })).value).to.equal(78);
  };

  it('reads the same elements again, alone', async () => {
    const events = (await recorded(['adder'], scene, false))('adder');
    expect([...kindsOf(events)]).to.include.members(['opened', 'element', 'closed']);
    await expectSame(adder(), events);
  });

  it('shows where it does something else with them', async () => {
    const events = (await recorded(['adder'], scene, false))('adder');
    expect((await replay(adder(2), events))?.done?.case).to.be.oneOf(['closed', 'outcome']);
  });
});
