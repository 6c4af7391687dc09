import { expect } from 'chai';
import { BackpressureError, UnreachableError } from '#src/errors.js';
import { type Room, type Route, routeKey } from '#src/actors/kernel/index.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Worker } from './shop.js';

/** An actor behind a link that makes room every 40 ms, and is lost as often; `isUp` is what a tell finds. */
function flickering(isUp: () => boolean) {
  const { system, scheduler } = testSystem();
  let waits = 0;
  let told = 0;
  const route: Route = {
    cUid: 77n,
    incarnation: 0n,
    tell: () => {
      told++;
      return isUp();
    },
    ask: () => Promise.resolve({}),
    stream: (method, _message, options) =>
      system.read(method, options, { path: 'elsewhere' }, () => {
        throw new UnreachableError('no stream leads there');
      }),
    ready: (options, byMs) => {
      waits++;
      return system.ready(options, byMs, { path: 'elsewhere' }, (wait) => {
        const timer = scheduler.setTimer(40, () => wait.resolve());
        wait.promise.catch(() => scheduler.clearTimer(timer));
      });
    },
    get room(): Room {
      return isUp() ? 'free' : 'closed';
    },
    inherit: (method, options) => own.inherit(method, options),
    watch: () => {},
    unwatch: () => {},
  };
  const own = system.spawn(worker())[routeKey];
  return { system, scheduler, ref: system.referenceTo(Worker, route), waits: () => waits, told: () => told };
}

describe('a tell that waits for room of an actor elsewhere', () => {
  afterEach(closeSystems);

  it('keeps one deadline, however often it finds the link lost when it has waited', async () => {
    const { scheduler, ref, waits, told } = flickering(() => false);
    const beganMs = scheduler.now();
    expect(await rejection(ref.whenReady.push({ value: 1 }, { timeoutMs: 100 }))).to.be.instanceOf(BackpressureError);
    expect(scheduler.now() - beganMs).to.equal(100);
    expect(waits()).to.equal(3);
    expect(told()).to.equal(0);
  });

  it('keeps one deadline in a handler, too', async () => {
    const { system, scheduler, ref } = flickering(() => false);
    const outcome = deferred<unknown>();
    const sender = system.spawn(
      worker({
        push: async () => {
          const error = await rejection(ref.whenReady.push({ value: 1 }, { timeoutMs: 100 }));
          outcome.resolve([error instanceof BackpressureError, scheduler.now()]);
        },
      }),
    );
    const beganMs = scheduler.now();
    sender.push({});
    expect(await outcome.promise).to.deep.equal([true, beganMs + 100]);
  });

  it('rejects where the link ends as it is sent, so that it is a dead letter', async () => {
    let looks = 0;
    // Up when it looks for room, down from then on.
    const { ref, told } = flickering(() => looks++ === 0);
    expect(await rejection(ref.whenReady.push({ value: 1 }))).to.be.instanceOf(UnreachableError);
    expect(told()).to.equal(1);
  });
});
