import { existsSync } from 'node:fs';
import { expect } from 'chai';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import { eventually } from '../../../support/until.js';
import { hanging } from './hanging.js';
import { describeHosting } from './hosting.js';

const [TAKEN, UNTAKEN] = [10, 5];
const valueOf = ({ message }: DeadLetter): number => (message as { value: number }).value;

describeHosting('a runtime that stops while a hosted partition hangs', (hosting) => {
  for (const drainTimeoutMs of [0, 300]) {
    it(`says that it has ended the partition, and what that had not taken, after a drain of ${drainTimeoutMs} ms`, async () => {
      const runtime = await hosting().start({ kernelLimits: { stopTimeoutMs: 100 } });
      const letters: DeadLetter[] = [];
      runtime.deadLetters.subscribe((letter) => letters.push(letter));
      const began = hosting().file('began');
      const waiting = await runtime.place(hanging, { args: { began } });
      const blocking = await runtime.place(hanging, { args: { began } });
      for (let value = 0; value < TAKEN; value++) waiting.push({ value });
      await blocking.run({});
      blocking.urge({ value: TAKEN });
      await eventually(() => existsSync(began));
      for (let value = 0; value < UNTAKEN; value++) blocking.push({ value: 100 + value });
      const { isDrained, endedPartitions, untakenTells } = await runtime.stop({ drainTimeoutMs });
      expect({ isDrained, endedPartitions }).to.deep.equal({ isDrained: false, endedPartitions: 1 });
      // What it had taken before, it may not have reported yet.
      expect(letters.slice(-UNTAKEN).map(valueOf)).to.deep.equal([100, 101, 102, 103, 104]);
      expect(new Set(letters.map(({ reason }) => reason))).to.deep.equal(new Set(['not taken']));
      expect(untakenTells).to.equal(letters.length);
    });
  }

  it('says so of a partition that was ended within the drain, because an actor there did not stop', async () => {
    const runtime = await hosting().start({ kernelLimits: { stopTimeoutMs: 100 } });
    const began = hosting().file('began');
    const blocking = await runtime.place(hanging, { args: { began } });
    blocking.urge({});
    await eventually(() => existsSync(began));
    const withdrawn = runtime.stopActor(blocking);
    const { isDrained, endedPartitions } = await runtime.stop({ before: () => withdrawn, drainTimeoutMs: 60_000 });
    expect({ isDrained, endedPartitions }).to.deep.equal({ isDrained: false, endedPartitions: 1 });
  });

  it('says that nothing was ended by force where the partition stops by itself', async () => {
    const runtime = await hosting().start();
    const ref = await runtime.place(hanging, { args: { began: hosting().file('began') } });
    await ref.run({});
    const { isDrained, endedPartitions, untakenTells } = await runtime.stop({ drainTimeoutMs: 60_000 });
    expect({ isDrained, endedPartitions, untakenTells }).to.deep.equal({
      isDrained: true,
      endedPartitions: 0,
      untakenTells: 0,
    });
  });
});
