import { expect } from 'chai';
import fc from 'fast-check';
import { type AnyBehavior, behavior } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { ConfigError, ProtocolError } from '#src/errors.js';
import { messageOf } from '#src/foreign.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import {
  actorNamed,
  behaviorFor,
  type Difference,
  readRecording,
  recordedActors,
  Recorder,
  replay,
} from '#src/recording/index.js';
import { Errands } from '../actors/transport/errands.js';
import { rejection } from '../support/rejection.js';
import { type Changes, helper, shop } from './shop.js';

interface Run {
  readonly bytes: Uint8Array;
  events(name: string): readonly v1.RecordedEvent[];
}

/** Runs the shop through a bit of everything, on one or two virtual nodes. */
async function recordedRun({ actors = ['shop'], isFar = false, seed = 7 } = {}): Promise<Run> {
  const pieces: Uint8Array[] = [];
  const recorder = new Recorder({ actors, write: (bytes) => void pieces.push(bytes), header: { seed: `${seed}` } });
  const executor = new Executor({ seed, latencyMs: 1, interceptor: recorder });
  const home = await executor.start({ node: 'node-0' });
  const caller = isFar ? await executor.start({ node: 'node-1', controlPlane: home.controlPlane }) : home;
  home.spawn(shop(), { name: 'shop', register: true });
  const ref = await caller.lookup(Errands, 'shop');
  ref.push({ value: 3 });
  await ref.run({ value: 2 }, { meta: { tenant: 'a' } });
  await ref.rush({ value: 2 });
  ref.urge({ value: executor.scheduler.now() + 35 });
  await new Promise<void>((resolve) => void executor.scheduler.setTimer(100, resolve));
  ref.push({ value: 2_000 });
  await Promise.all([ref.run({ value: 1 }), ref.run({ value: 5 })]);
  await executor.stop();
  const bytes = Buffer.concat(pieces);
  return { bytes, events: (name) => actorNamed(readRecording(bytes), name).events };
}

async function differenceOf(run: Run, changed: AnyBehavior): Promise<Difference> {
  const difference = await replay(changed, run.events('shop'));
  if (difference === undefined) throw new Error('the replay found no difference');
  return difference;
}

describe('a recorded actor, replayed alone', () => {
  it('has the signals of its asks aborted when they were', async () => {
    const pieces: Uint8Array[] = [];
    const recorder = new Recorder({ actors: ['waiting'], write: (bytes) => void pieces.push(bytes), header: {} });
    const executor = new Executor({ seed: 3, interceptor: recorder });
    const runtime = await executor.start();
    const events: string[] = [];
    const waiting = behavior(Errands, {
      push: () => {},
      urge: () => {},
      run: async (_state, { value }, { signal }) => {
        if (value === 0) signal.addEventListener('abort', () => events.push(messageOf(signal.reason)));
        else await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return { value: signal.aborted ? messageOf(signal.reason).length : 0 };
      },
      rush: () => ({}),
    });
    const ref = runtime.spawn(waiting, { name: 'waiting' });
    await ref.run({ value: 0 });
    await rejection(ref.run({ value: 1 }, { timeoutMs: 20 }));
    const caller = new AbortController();
    executor.scheduler.setTimer(5, () => caller.abort());
    await rejection(ref.run({ value: 1 }, { signal: caller.signal }));
    await executor.stop();
    const recorded = actorNamed(readRecording(Buffer.concat(pieces)), 'waiting').events;
    expect(recorded.filter(({ event }) => event.case === 'aborted')).to.have.length(3);
    expect(events).to.have.length(1);
    expect(await replay(waiting, recorded)).to.equal(undefined);
    expect(events[1]).to.equal(events[0]);
  });

  for (const isFar of [false, true]) {
    it(`does the same again, asked from ${isFar ? 'another node' : 'its own partition'}`, async () => {
      const run = await recordedRun({ isFar });
      expect(await replay(shop(), run.events('shop'))).to.equal(undefined);
      const kinds = new Set(run.events('shop').map(({ event }) => event.case));
      for (const kind of ['start', 'message', 'timerFired', 'answer', 'draw', 'stopping'] as const) {
        expect(kinds, 'came').to.include(kind);
      }
      for (const kind of ['outcome', 'told', 'asked', 'spawned', 'watched', 'timerSet', 'timerCancelled'] as const) {
        expect(kinds, 'done').to.include(kind);
      }
      expect(
        run.events('shop').filter(({ event }) => event.case === 'start'),
        'a restart',
      ).to.have.length(2);
    });
  }

  it('is the same recording for the same seed', async () => {
    const [one, other] = [await recordedRun(), await recordedRun()];
    expect(Buffer.compare(one.bytes, other.bytes)).to.equal(0);
  });

  it('records its children, too, when they are chosen', async () => {
    const run = await recordedRun({ actors: ['shop*'] });
    const paths = recordedActors(readRecording(run.bytes)).map(({ path }) => path.split('/').slice(1).join('/'));
    expect(paths).to.deep.equal(['shop', 'shop/helper', 'shop/helper']);
    const [, child] = recordedActors(readRecording(run.bytes));
    expect(await replay(helper, child?.events ?? [])).to.equal(undefined);
  });

  const changes: readonly (readonly [string, Changes, string | undefined, string | undefined])[] = [
    ['replies something else', { reply: (total) => total + 1 }, 'outcome', 'outcome'],
    ['does more', { push: (book) => void book.helper?.push({ value: 1 }) }, 'outcome', 'told'],
    [
      'fails where it did not',
      {
        push: () => {
          throw new Error('new');
        },
      },
      'outcome',
      'outcome',
    ],
    ['sets another timer', { push: (_book, _value, ctx) => void ctx.after(5, () => {}) }, 'outcome', 'timerSet'],
    ['stops', { push: (_book, _value, ctx) => ctx.stop() }, 'outcome', 'stopped'],
  ];
  for (const [what, change, recorded, done] of changes) {
    it(`says where it ${what}`, async () => {
      const difference = await differenceOf(await recordedRun(), shop(change));
      expect(difference.recorded?.case).to.equal(recorded);
      expect(difference.done?.case).to.equal(done);
      expect(difference.during?.event.case).to.be.oneOf(['message', 'answer']);
    });
  }

  it('says where it draws chance that it did not draw', async () => {
    const change = shop({ push: (book, _value, ctx) => void (book.total += ctx.scheduler.random()) });
    const run = await recordedRun();
    const difference = await differenceOf(run, change);
    // Draws are handed out in order, so it shows where the numbers do, or run out.
    expect(difference.message ?? difference.done?.case).to.be.a('string');
  });

  it('says that it does nothing where it did something', async () => {
    const silent: AnyBehavior = { ...shop(), on: {}, createState: () => ({ total: 0, helper: undefined }) };
    const difference = await differenceOf(await recordedRun(), silent);
    expect(difference.recorded?.case).to.equal('spawned');
    expect(difference.done).to.equal(undefined);
  });

  it('is called before each thing that came, for a debugger to stop', async () => {
    const seen: (string | undefined)[] = [];
    const run = await recordedRun();
    await replay(shop(), run.events('shop'), { before: ({ event }) => seen.push(event.case) });
    expect(seen.slice(0, 3)).to.deep.equal(['start', 'message', 'message']);
  });
});

describe('recordings as bytes', () => {
  it('are read up to where they were cut', async () => {
    const { bytes } = await recordedRun();
    const whole = readRecording(bytes);
    expect(whole.cutBytes).to.equal(0);
    const cut = readRecording(bytes.subarray(0, bytes.length - 1));
    expect(cut.events).to.have.length(whole.events.length - 1);
    expect(cut.cutBytes).to.be.greaterThan(0);
  });

  it('are refused when they are none, or of another version', () => {
    expect(() => readRecording(new Uint8Array(0))).to.throw(ProtocolError, 'not a recording');
    expect(() => readRecording(Uint8Array.of(255, 255, 255, 255, 255, 1))).to.throw(ProtocolError, 'damaged');
    const future = v1.RecordingEntry.create({ entry: { case: 'header', value: { version: 99 } } });
    expect(future.entry.case).to.equal('header');
    expect(() => readRecording(Uint8Array.of(4, 10, 2, 8, 99))).to.throw(ProtocolError, 'version 99');
    expect(() => readRecording(Uint8Array.of(2, 18, 0))).to.throw(ProtocolError, 'header');
  });

  it('never fail but with ProtocolError, whatever the bytes', async () => {
    const { bytes } = await recordedRun();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = value;
        try {
          readRecording(damaged);
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('finding an actor and its behavior', () => {
  it('names what there is when there is no such actor', async () => {
    const recording = readRecording((await recordedRun()).bytes);
    expect(() => actorNamed(recording, 'till')).to.throw(ConfigError, /no actor till\. It has: .*shop/);
    expect(() => actorNamed({ ...recording, events: [] }, 'till')).to.throw(ConfigError, 'has no actor');
  });

  it('says how to choose where several have one path', async () => {
    const recording = readRecording((await recordedRun()).bytes);
    const actors = recordedActors(recording).length;
    const again = recording.events.map((event) => ({ ...event, actor: event.actor + actors }));
    const twice = { ...recording, events: [...recording.events, ...again] };
    expect(() => actorNamed(twice, 'shop')).to.throw(
      ConfigError,
      /are named shop\. Use one of these, .*: \S+\/shop#1, \S+\/shop#2\./,
    );
    const [one, two] = recordedActors(twice).filter(({ path }) => path.endsWith('/shop'));
    expect(actorNamed(twice, 'shop#1').events).to.deep.equal(one?.events);
    expect(actorNamed(twice, two?.label ?? '').events).to.deep.equal(two?.events);
    expect(() => actorNamed(twice, 'shop#3')).to.throw(ConfigError, 'no actor shop#3');
    const [first, second] = [0, actors].map((firstActor) => ({ path: `rec.${firstActor}`, firstActor, cutBytes: 0 }));
    if (first === undefined || second === undefined) throw new Error('no files');
    expect(() => actorNamed({ ...twice, files: [first, second] }, 'shop')).to.throw(
      ConfigError,
      new RegExp(`shop#1 \\(in rec\\.0\\), \\S+/shop#2 \\(in rec\\.${actors}\\)`),
    );
  });

  it('finds the one behavior of the service, or asks which', () => {
    const other = shop();
    expect(behaviorFor({ helper, number: 1 }, 'test.Errands', undefined)).to.equal(helper);
    expect(behaviorFor({ helper, other }, 'test.Errands', 'other')).to.equal(other);
    expect(() => behaviorFor({ helper, other }, 'test.Errands', undefined)).to.throw(ConfigError, '--behavior');
    expect(() => behaviorFor({ number: 1 }, 'test.Errands', undefined)).to.throw(ConfigError, 'export it');
    expect(() => behaviorFor({ helper }, 'test.Chores', 'helper')).to.throw(ConfigError, 'test.Errands');
  });

  it('leaves actors alone that were not chosen', async () => {
    const run = await recordedRun({ actors: ['till'] });
    expect(readRecording(run.bytes).events).to.have.length(0);
  });
});
