import { expect } from 'chai';
import { Executor } from '#src/actors/runtime/index.js';
import { actorNamed, behaviorOf, readRecording, Recorder, replay } from '#src/recording/index.js';
import { ConfigError } from '#src/errors.js';
import { placedEnding, placedSum, summing } from './summing.js';

describe('a recorded actor that another process has placed', () => {
  it('is recorded where it runs by the path that its placer sees, and does the same again alone', async () => {
    const pieces: Uint8Array[] = [];
    const path = 'node-1.process-0-0/sum';
    const recorder = new Recorder({ actors: [path], write: (bytes) => void pieces.push(bytes), header: {} });
    const executor = new Executor({ seed: 7, latencyMs: 1, interceptor: recorder });
    const home = await executor.start({ node: 'node-0' });
    await executor.start({ node: 'node-1', controlPlane: home.controlPlane, labels: ['work'] });
    const ref = await home.place(placedSum, { on: { label: 'work' }, args: { start: 10 }, name: 'sum' });
    ref.push({ value: 3 });
    expect((await ref.run({})).value).to.equal(13);
    ref.push({ value: 4 });
    expect((await ref.run({})).value).to.equal(17);
    await executor.stop();
    const actor = actorNamed(readRecording(Buffer.concat(pieces)), path);
    const { events } = actor;
    expect(events.filter(({ event }) => event.case === 'message')).to.have.length(4);
    expect(await replay(summing(10), events)).to.equal(undefined);
    expect(await replay(summing(10, 1), events)).to.have.nested.property('recorded.case', 'outcome');
    expect(await replay(behaviorOf({ placedSum }, actor), events), 'as its component makes it').to.equal(undefined);
    expect(await replay(behaviorOf({ changed: summing(10, 1) }, actor), events)).to.have.nested.property(
      'recorded.case',
    );
    expect(() => behaviorOf({ placedEnding }, actor)).to.throw(ConfigError, /no component "summing".* placedEnding\./);
    expect(() => behaviorOf({ placedSum }, actor, 'none')).to.throw(ConfigError, 'no component "summing"');
  });
});
