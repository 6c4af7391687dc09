import { expect } from 'chai';
import { type AnyBehavior, behavior } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import type { v1 } from '#src/protocol/on-demand/index.js';
import { actorNamed, readRecording, Recorder, replay } from '#src/recording/index.js';
import { Depot, Errands } from '../actors/transport/errands.js';
import { upTo } from '../support/numbers.js';
import { readAll } from '../support/read-all.js';
import { rejection } from '../support/rejection.js';
import { numbersBelow } from '../support/sources.js';

/** Adds up what is loaded, up to 100; doubles the lines of a chat, `factor` apart. */
function counting(factor = 1) {
  return behavior(Depot, {
    state: () => ({ loads: 0 }),
    run: (state) => ({ value: state.loads }),
    load: async (state, requests) => {
      let sum = 0;
      for await (const { value } of requests) {
        sum += value * factor;
        state.loads++;
        if (sum > 100) break;
      }
      return { value: sum };
    },
    async *chat(_state, requests, ctx) {
      for await (const { value } of requests) yield { value: value * 2 * factor + Math.floor(ctx.scheduler.random()) };
    },
  });
}

/** Loads numbers into its child, and talks with it, as the request says. Its sources say on the way what they do. */
function sending(factor = 1) {
  return behavior(Errands, {
    state: (ctx) => ctx.spawn(counting(), { name: 'counting' }),
    push: () => {},
    urge: () => {},
    rush: () => ({}),
    run: async (child, { value: count }, ctx) => {
      const note = ctx.ref(Errands, ctx.self.toRef());
      const source = async function* () {
        try {
          for (let value = 0; value < count; value++) {
            if (value === 30) throw new RangeError('unlucky');
            yield { value: value * factor };
          }
        } finally {
          note.push({ value: count });
        }
      };
      const sum = await child
        .load(source())
        .catch((error: unknown) => ({ value: error instanceof RangeError ? 1 : 2 }));
      const { values } = await readAll(child.chat(source(), { windowItems: 2 }));
      return { value: sum.value + values.length };
    },
  });
}

async function recorded(
  actors: readonly string[],
  scene: (executor: Executor) => Promise<void>,
): Promise<(name: string) => readonly v1.RecordedEvent[]> {
  const pieces: Uint8Array[] = [];
  const recorder = new Recorder({ actors, write: (bytes) => void pieces.push(bytes), header: {} });
  const executor = new Executor({ seed: 5, latencyMs: 1, interceptor: recorder });
  await scene(executor);
  await executor.stop();
  const recording = readRecording(Buffer.concat(pieces));
  return (name) => actorNamed(recording, name).events;
}

function kindsOf(events: readonly v1.RecordedEvent[]): ReadonlySet<string | undefined> {
  return new Set(events.map(({ event }) => event.case));
}

async function expectSame(made: AnyBehavior, events: readonly v1.RecordedEvent[]): Promise<void> {
  expect(await replay(made, events)).to.equal(undefined);
}

for (const isFar of [false, true]) {
  describe(`recorded requests of a caller ${isFar ? 'on another node' : 'in the same partition'}`, () => {
    const scene = async (executor: Executor): Promise<void> => {
      const home = await executor.start({ node: 'node-0' });
      const caller = isFar ? await executor.start({ node: 'node-1', controlPlane: home.controlPlane }) : home;
      home.spawn(counting(), { name: 'counting', register: true });
      const ref = await caller.lookup(Depot, 'counting');
      expect(await ref.load(numbersBelow(5))).to.include({ value: 10 });
      expect((await ref.load(numbersBelow(1_000))).value).to.equal(105);
      const failing = numbersBelow(9, (value) => value === 4 && Promise.reject(new Error('lost')));
      await rejection(ref.load(failing));
      const [loads] = await Promise.all([
        Promise.all(upTo(4).map(async (value) => ref.load(numbersBelow(value)))),
        ref.run({}),
        readAll(ref.chat(numbersBelow(6))),
      ]);
      expect(loads.map(({ value }) => value)).to.deep.equal([0, 0, 1, 3]);
      for await (const { value } of ref.chat(numbersBelow(100))) if (value > 20) break;
      await ref.run({});
    };

    it('are read again, in the same order among all other messages', async () => {
      const events = (await recorded(['counting'], scene))('counting');
      expect([...kindsOf(events)]).to.include.members(['message', 'element', 'closed', 'outcome', 'yielded']);
      await expectSame(counting(), events);
    });

    it('show where something else is done with them', async () => {
      const events = (await recorded(['counting'], scene))('counting');
      const difference = await replay(counting(2), events);
      expect(difference?.recorded?.case).to.be.oneOf(['outcome', 'element']);
    });
  });
}

describe('a recorded actor that sends requests', () => {
  const scene = async (executor: Executor): Promise<void> => {
    const runtime = await executor.start();
    const ref = runtime.spawn(sending(), { name: 'sending' });
    expect((await ref.run({ value: 6 })).value).to.equal(21);
    expect((await ref.run({ value: 20 })).value).to.equal(125);
    expect((await ref.run({ value: 31 })).value).to.be.greaterThan(105);
  };

  it('sends the same ones again, when they are pulled, and its sources end as they did', async () => {
    const events = (await recorded(['sending'], scene))('sending');
    expect([...kindsOf(events)]).to.include.members([
      'asked',
      'requestPulled',
      'requestYielded',
      'requestsCancelled',
      'told',
    ]);
    await expectSame(sending(), events);
  });

  it('shows where it sends something else', async () => {
    const events = (await recorded(['sending'], scene))('sending');
    const difference = await replay(sending(2), events);
    expect(difference?.recorded?.case).to.equal('requestYielded');
    expect(difference?.during?.event.case).to.equal('requestPulled');
  });
});
