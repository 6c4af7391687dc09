import { expect } from 'chai';
import fc from 'fast-check';
import { BacklogBuffers } from '#src/actors/transport/backlog-buffers.js';
import { Outbox } from '#src/actors/transport/outbox.js';
import { limits } from '#src/limits.js';
import {
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  Lane,
  readDelimitedEnvelope,
  WireReader,
} from '#src/protocol/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';
import { until } from '../../support/until.js';
import { run } from './errands.js';

const FRAME_BYTES = 8_192;
const bounds = { frameBytes: FRAME_BYTES, backlogBytes: 64 * 1024 * 1024, maxMessageBytes: limits.maxMessageBytes };

/** An outbox whose link leads to a receiver that keeps what arrives, each frame for itself. */
async function setUp() {
  const scheduler = new VirtualScheduler({ seed: 1 });
  const network = new MemoryNetwork({ scheduler });
  const transport = (node: string) => network.transport({ node, process: '1' });
  const [near, far] = [transport('a'), transport('b')];
  const frames: Uint8Array[] = [];
  const address = await far.listen((link) =>
    link.setHandlers({
      frame: (_lane, bytes) => void frames.push(bytes.slice()),
      writable: () => {},
      closed: () => {},
    }),
  );
  const time = { nowMs: 1_000 };
  const outbox = new Outbox(Lane.data, bounds, new BacklogBuffers(), () => time.nowMs);
  const connect = async (): Promise<void> => {
    const link = await near.connect(address, { timeoutMs: 1_000 });
    link.setHandlers({ frame: () => {}, writable: () => outbox.drain(), closed: () => {} });
    outbox.attach(link);
  };
  const end = async (): Promise<void> => {
    await Promise.all([near.close(), far.close()]);
    scheduler.close();
  };
  return { near, frames, time, outbox, connect, end };
}

/** The deadline of each ask on the clock of its sender, as its receiver works it out. */
function deadlinesIn(frame: Uint8Array): [correlation: number, deadlineMs: number][] {
  const reader = new WireReader(frame);
  const deadlines: [number, number][] = [];
  let sentMs = Number.NaN;
  for (const view = new EnvelopeView(); readDelimitedEnvelope(reader, view); ) {
    if (view.sentMs >= 0) sentMs = view.sentMs;
    deadlines.push([view.correlation, Math.round(sentMs + view.remainingMicroseconds / 1_000)]);
  }
  return deadlines;
}

describe('the asks in a frame', () => {
  it('say their deadlines, whatever their sizes, however much later than the first they were made, queued or not', async () => {
    const ask = fc.record({
      size: fc.oneof(
        fc.nat(200),
        fc.integer({ min: FRAME_BYTES - 80, max: FRAME_BYTES + 20 }),
        fc.nat(3 * FRAME_BYTES),
      ),
      gapMs: fc.nat(30),
      timeoutMs: fc.integer({ min: 5_000, max: 9_000 }),
      isLast: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 40 }), fc.nat(40), async (asks, attachAt) => {
        const { near, frames, time, outbox, connect, end } = await setUp();
        const expected: [number, number][] = [];
        for (const [index, { size, gapMs, timeoutMs, isLast }] of asks.entries()) {
          if (index === attachAt) await connect();
          time.nowMs += gapMs;
          const deadlineMs = time.nowMs + timeoutMs;
          const header = Object.assign(new EnvelopeHeader(), { mode: EnvelopeMode.ask, correlation: index + 1 });
          header.sentMs = time.nowMs;
          header.remainingMicroseconds = timeoutMs * 1_000;
          const value = { value: index, load: new Uint8Array(size) };
          outbox.write(header, run.request, value, false, { deadlineMs, isSettled: false });
          expected.push([index + 1, deadlineMs]);
          if (isLast) outbox.flush();
          near.flush();
        }
        if (attachAt >= asks.length) await connect();
        const deadlines = (): [number, number][] => frames.flatMap(deadlinesIn);
        await until('all to arrive', () => {
          outbox.flush();
          near.flush();
          return deadlines().length === asks.length;
        });
        expect(deadlines()).to.deep.equal(expected);
        await end();
      }),
      { numRuns: 60 },
    );
  });

  it('say once when they were sent', async () => {
    const { near, frames, time, outbox, connect, end } = await setUp();
    await connect();
    const write = (correlation: number): void => {
      const header = Object.assign(new EnvelopeHeader(), { mode: EnvelopeMode.ask, correlation });
      header.sentMs = time.nowMs;
      header.remainingMicroseconds = 1_000_000;
      outbox.write(header, run.request, { value: 1, load: new Uint8Array(0) }, false, {
        deadlineMs: time.nowMs + 1_000,
        isSettled: false,
      });
    };
    for (const correlation of [1, 2, 3]) {
      write(correlation);
      time.nowMs += 1;
    }
    outbox.flush();
    write(4);
    outbox.flush();
    near.flush();
    await until('both frames', () => frames.length === 2);
    const stamps = frames.map((frame) => {
      const reader = new WireReader(frame);
      const sent: number[] = [];
      for (const view = new EnvelopeView(); readDelimitedEnvelope(reader, view); ) sent.push(view.sentMs);
      return sent;
    });
    expect(stamps).to.deep.equal([[1_000, -1, -1], [1_003]]);
    await end();
  });
});
