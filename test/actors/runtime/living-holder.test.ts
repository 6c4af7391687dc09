import { expect } from 'chai';
import { LivingHolder } from '#src/actors/runtime/living-holder.js';
import { AskTimeoutError } from '#src/errors.js';
import { Ref } from '#src/protocol/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { millraceRejection } from '../../support/rejection.js';

const dead = Ref.create({ cUid: 1n, incarnation: 5n });
const living = Ref.create({ cUid: 2n, incarnation: 6n });
const hasEnded = async ({ incarnation }: Ref): Promise<boolean> => incarnation === dead.incarnation;

describe('the holder of a name that is looked up', () => {
  let scheduler: VirtualScheduler;
  beforeEach(() => {
    scheduler = new VirtualScheduler({ seed: 2 });
  });
  afterEach(() => scheduler.close());

  it('is the next one where the process of the present one has ended, as far as this process knows', async () => {
    let holder = dead;
    const known: unknown[] = [];
    const client = {
      lookup: async () => holder,
      followName: async (_name: string, before: { readonly ref: Ref | undefined } | undefined) => {
        known.push(before?.ref);
        await new Promise<void>((resolve) => void scheduler.setTimer(100, resolve));
        holder = living;
        return holder;
      },
    };
    const holders = new LivingHolder(client, scheduler, hasEnded);
    expect(await holders.lookup('pricing', 'shop.Pricing', 1_000)).to.equal(living);
    expect(known).to.deep.equal([dead]);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('is nobody by the deadline where no other actor gets the name', async () => {
    const followName = (_name: string, _known: unknown, signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const holders = new LivingHolder({ lookup: async () => dead, followName }, scheduler, hasEnded);
    const from = scheduler.now();
    const error = await millraceRejection(holders.lookup('pricing', 'shop.Pricing', 1_000));
    expect(error).to.be.instanceOf(AskTimeoutError);
    expect(error.message).to.include('has ended');
    expect(scheduler.now() - from).to.equal(1_000);
    expect(scheduler.pendingTimers).to.equal(0);
  });
});
