import { expect } from 'chai';
import fc from 'fast-check';
import { retryAsk } from '#src/actors/control-plane/index.js';
import { AskTimeoutError, BackpressureError, HandlerError, StoppedError } from '#src/errors.js';
import { VirtualScheduler } from '#src/scheduler/index.js';

/** Asks from `startMs` on until it is over; `answer` says how each try ends, and after which part of its time. */
async function tries(
  startMs: number,
  timeoutMs: number,
  answer: (count: number) => { readonly error: Error | undefined; readonly part: number },
): Promise<{ readonly count: number; readonly error: unknown; readonly tookMs: number }> {
  const scheduler = new VirtualScheduler({ seed: 1 });
  const pass = (ms: number): Promise<void> => new Promise((resolve) => void scheduler.setTimer(ms, resolve));
  await pass(startMs);
  let count = 0;
  const error: unknown = await retryAsk(scheduler, timeoutMs, async (options) => {
    const { error: thrown, part } = answer(++count);
    if (count > 100) throw new Error('it asks for ever');
    // As far as it goes over a link: in whole microseconds.
    await pass((Math.floor((options.timeoutMs ?? 0) * 1_000) / 1_000) * part);
    if (thrown !== undefined) throw thrown;
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const tookMs = scheduler.now() - startMs;
  scheduler.close();
  return { count, error, tookMs };
}

const silence = { error: new AskTimeoutError('no answer'), part: 1 };

describe('retryAsk', () => {
  it('rejects at its deadline, whatever the rounding of times', () =>
    fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0.01, max: 5_000, noNaN: true }),
        async (startMs, timeoutMs) => {
          const { count, error, tookMs } = await tries(startMs, timeoutMs, () => silence);
          expect(error).to.be.instanceOf(AskTimeoutError);
          expect(count).to.be.at.most(Math.ceil(timeoutMs / 1_000) + 1);
          expect(tookMs).to.be.closeTo(timeoutMs, 0.002);
        },
      ),
    ));

  it('sends again what the server has waited for in vain, as its handler says a moment before the deadline here', async () => {
    const late = { error: new HandlerError('in vain', { handlerCode: 'ASK_TIMEOUT' }), part: 0.5 };
    const { count, error, tookMs } = await tries(0, 2_000, (tried) =>
      tried < 3 ? late : { ...silence, error: undefined },
    );
    expect([count, error, tookMs]).to.deep.equal([3, undefined, 2_000]);
    const other = { error: new HandlerError('in vain', { handlerCode: 'CONFIG' }), part: 0.5 };
    expect((await tries(0, 2_000, () => other)).count).to.equal(1);
  });

  it('waits when the mailbox is full, and rejects at once with any other error', async () => {
    const full = { error: new BackpressureError('full'), part: 0 };
    const done = { error: undefined, part: 0 };
    const answers = [full, silence, done];
    expect(await tries(0, 10_000, (count) => answers[count - 1] ?? done)).to.deep.equal({
      count: 3,
      error: undefined,
      tookMs: 2_000,
    });
    expect((await tries(0, 1_500, () => full)).error).to.be.instanceOf(BackpressureError);
    const stopped = { error: new StoppedError('gone'), part: 0 };
    expect((await tries(0, 1_500, () => stopped)).count).to.equal(1);
  });
});
