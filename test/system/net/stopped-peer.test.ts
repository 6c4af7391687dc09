import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { BackpressureError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { memoryLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';

const PROGRAM = fileURLToPath(new URL('taker-process.js', import.meta.url));
const [BEFORE, AFTER] = [1_000, 500];

const media = {
  unix: { ucx: 'off' },
  tcp: { listen: 'tcp://127.0.0.1:0', keyless: 'loopback', ucx: 'off' },
  'what the machine has': { ucx: 'auto' },
} as const;

/** Larger than what travels within a message. */
const LOAD = new Uint8Array(1024 * 1024);

describe('a runtime that stops while a peer does not read', function () {
  this.timeout(120_000);
  const children: ChildProcess[] = [];
  const executors: Executor[] = [];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exit;
    }
    for (const executor of executors.splice(0)) await executor.stop();
    rmSync(folder, { recursive: true });
  });

  for (const [medium, net] of Object.entries(media)) {
    it(`reports what the peer has not taken, before stop resolves: over ${medium}`, async () => {
      const log = memoryLogger();
      const executor = new Executor({ log, net: { socketFolder: folder, ...net } });
      executors.push(executor);
      const runtime = await executor.start({ node: 'sender' });
      const child = fork(PROGRAM, [runtime.controlPlane, net.ucx]);
      children.push(child);
      await once(child, 'message');
      const letters: DeadLetter[] = [];
      runtime.deadLetters.subscribe((letter) => letters.push(letter));
      const ref = await runtime.lookup(Errands, 'taker');
      for (let value = 0; value < BEFORE; value++) ref.push({ value });
      expect(await ref.run({})).to.deep.include({ value: BEFORE });
      child.kill('SIGSTOP');
      for (let value = BEFORE; value < BEFORE + AFTER; value++) ref.push({ value });
      const { isDrained, untakenTells, tookMs } = await runtime.stop();
      expect(tookMs).to.be.at.least(limits.linkLingerMs - 100);
      // What it had taken before, it may not have reported yet.
      expect(letters.slice(-AFTER).map(({ message }) => (message as { value: number }).value)).to.deep.equal(
        Array.from({ length: AFTER }, (_, index) => BEFORE + index),
      );
      expect(new Set(letters.map(({ reason }) => reason))).to.deep.equal(new Set(['not taken']));
      expect({ isDrained, untakenTells }).to.deep.equal({ isDrained: false, untakenTells: letters.length });
      const logged = log.records.flatMap(({ level, fields }) => (level === 'warn' ? [fields['untakenTells']] : []));
      expect(logged).to.include(letters.length);
    });

    it(`keeps a share of its memory for a peer that is stopped, and no more: over ${medium}`, async () => {
      const executor = new Executor({ log: memoryLogger(), net: { socketFolder: folder, ...net } });
      executors.push(executor);
      const runtime = await executor.start({ node: 'sender' });
      const child = fork(PROGRAM, [runtime.controlPlane, net.ucx]);
      children.push(child);
      await once(child, 'message');
      const ref = await runtime.lookup(Errands, 'taker');
      await ref.run({});
      child.kill('SIGSTOP');
      let accepted = 0;
      let refused: unknown;
      while (refused === undefined) {
        try {
          if (!ref.push({ load: LOAD })) await new Promise((resolve) => setImmediate(resolve));
          accepted += 1;
        } catch (error) {
          refused = error;
        }
      }
      expect(refused).to.be.instanceOf(BackpressureError);
      const bound = limits.receiverLargeBytes + limits.linkLargeBytes;
      expect(accepted * LOAD.length).to.be.within(limits.receiverLargeBytes, bound + LOAD.length);
      expect(runtime.metrics().values?.reservedBytes ?? 0).to.be.at.most(limits.receiverLargeBytes + limits.arenaBytes);
      child.kill('SIGCONT');
      await ref.ready();
      expect(await ref.run({})).to.deep.include({ value: accepted });
    });

    it(`reports nothing of what a peer that reads has taken: over ${medium}`, async () => {
      const log = memoryLogger();
      const executor = new Executor({ log, net: { socketFolder: folder, ...net } });
      executors.push(executor);
      const runtime = await executor.start({ node: 'sender' });
      const child = fork(PROGRAM, [runtime.controlPlane, net.ucx]);
      children.push(child);
      await once(child, 'message');
      const ref = await runtime.lookup(Errands, 'taker');
      for (let value = 0; value < BEFORE; value++) ref.push({ value });
      const { isDrained, untakenTells } = await runtime.stop();
      expect({ isDrained, untakenTells, letters: runtime.deadLetters.count }).to.deep.equal({
        isDrained: true,
        untakenTells: 0,
        letters: 0,
      });
    });
  }
});
