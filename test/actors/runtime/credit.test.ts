import { expect } from 'chai';
import type { RuntimeOptions } from '#src/actors/runtime/index.js';
import { encode } from '#src/protocol/index.js';
import { describeRuntime, startFlow, until, type World } from './harness.js';
import flow from './pipelines/flow.js';
import { Row } from './row.js';

/** What a reader that has taken `read` elements of one writer has granted it in all: steps of a quarter of the window. */
function granted(window: number, read: number): number {
  const step = Math.max(1, window >> 2);
  return window + step * Math.floor(read / step);
}

function sumOf<Value>(values: Iterable<Value>, count: (value: Value) => number): number {
  return [...values].reduce((sum, value) => sum + count(value), 0);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

/** Windows, and numbers of stages and sinks. */
type Shape = readonly [items: number, stages: number, sinks: number];

function declareShapes(start: (options: RuntimeOptions) => Promise<World>, shapes: readonly Shape[]): void {
  for (const [items, stages, sinks] of shapes) {
    it(`accepted writes stop at the sum of the limits: windows of ${items}, ${stages} stages, ${sinks} sinks`, async () => {
      const { runtime, cluster } = await start({ streamWindow: { items } });
      const here = { source: runtime.ordinals, stage: runtime.ordinals, sink: runtime.ordinals };
      const { run, board } = await startFlow(
        runtime,
        flow,
        { count: 100_000, stages, sinks },
        {
          partitions: here,
          board: (on) => {
            on.sink = (_row, { signal }) => aborted(signal);
          },
        },
      );
      // Each sink has taken one element, of one of its writers; each stage holds one that it cannot hand on.
      const mayPass = sinks * (granted(items, 1) + (stages - 1) * items) + stages;
      const passedOn = () => sumOf(board.staged.values(), (ids) => ids.length);
      const mayAccept = () => sumOf(board.staged.values(), (ids) => granted(items, ids.length));
      await until(() => board.sunk.length === sinks && passedOn() >= mayPass && board.accepted >= mayAccept());
      await cluster.pass(cluster.many(500, 50));
      expect(passedOn(), 'rows that the stages handed on, or hold').to.equal(mayPass);
      expect(board.accepted, 'rows that the source handed on').to.equal(mayAccept());
      await run.stop();
    });
  }
}

const SHAPES = {
  title: 'with the sink held, whatever the windows',
  virtualOnly: 'partitions elsewhere count as these do; two shapes show it below',
};

describeRuntime(SHAPES, (start) => {
  declareShapes(start, [
    [1_024, 1, 1],
    [1_024, 3, 2],
    [16, 1, 1],
    [3, 2, 1],
  ]);
});

describeRuntime('with the sink held', (start) => {
  declareShapes(start, [
    [16, 2, 3],
    [1, 1, 1],
  ]);

  it('accepted writes to another partition stop at the bytes that are granted, the last element past it', async () => {
    const bytes = 4_096;
    const { runtime, cluster } = await start({ streamWindow: { bytes } });
    const other = await cluster.start({ streamWindow: { bytes } });
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 100_000, keyBytes: 90 },
      {
        partitions: { source: runtime.ordinals.slice(0, 1), stage: other.ordinals.slice(-1), sink: other.ordinals },
        board: (on) => {
          on.stage = (_row, { signal }) => aborted(signal);
        },
      },
    );
    let sent = 0;
    let writes = 0;
    for (; sent < bytes; writes++) {
      const value = encode(Row, Row.create({ id: writes, key: `key-${writes % 17}`.padEnd(90, '.') }));
      // The field's tag and length, one byte each, and the value.
      sent += 2 + value.length;
    }
    await until(() => board.accepted >= writes);
    await cluster.pass(cluster.many(500, 50));
    expect(board.accepted).to.equal(writes);
    await run.stop();
  });

  it('one element that is larger than the whole window passes', async () => {
    const { runtime, cluster } = await start({ streamWindow: { bytes: 100 } });
    const other = await cluster.start({ streamWindow: { bytes: 100 } });
    const { run, board } = await startFlow(
      runtime,
      flow,
      { count: 20, keyBytes: 5_000 },
      {
        partitions: { source: runtime.ordinals, stage: other.ordinals.slice(-1), sink: runtime.ordinals },
      },
    );
    await run.done;
    expect(board.sunk).to.have.length(20);
  });
});
