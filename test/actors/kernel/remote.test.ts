import { expect } from 'chai';
import {
  type AskOptions,
  type CallChain,
  chainFrom,
  chainIds,
  type Delivery,
  type OutgoingCall,
  type Route,
  type SendOptions,
} from '#src/actors/kernel/index.js';
import {
  AskTimeoutError,
  BackpressureError,
  type MillraceError,
  ReentrantAskError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Worker } from './shop.js';

/** An ask as the router would hand it in. */
class TestDelivery implements Delivery {
  readonly deadlineMs: number;
  readonly chain: CallChain | undefined;
  readonly meta = { trace: '7' };
  readonly sender = { cUid: 500n, service: '', incarnation: 0n };
  readonly sizeBytes = 0;
  readonly replies: unknown[] = [];
  readonly failures: MillraceError[] = [];

  constructor(deadlineMs: number, chain: readonly bigint[] = []) {
    this.deadlineMs = deadlineMs;
    this.chain = chainFrom(chain);
  }

  reply(value: unknown): void {
    this.replies.push(value);
  }

  fail(error: MillraceError): void {
    this.failures.push(error);
  }
}

const { push, work } = Worker.methods;

describe('a cell, as the router sees it', () => {
  afterEach(closeSystems);

  function setUp() {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const gate = deferred();
    const ref = system.spawn(
      worker({
        mailbox: { capacity: 2 },
        push: (_state, _message, ctx) => {
          seen.push([ctx.meta, ctx.sender]);
          return gate.promise;
        },
      }),
      { cUid: 5n },
    );
    const cell = system.resolve(5n);
    if (cell === undefined) throw new Error('not addressed');
    return { system, seen, gate, ref, cell };
  }

  it('takes decoded messages with what came along, and answers asks', async () => {
    const { system, seen, gate, cell } = setUp();
    gate.resolve();
    cell.deliver(push, { value: 1 }, new TestDelivery(Number.POSITIVE_INFINITY));
    const ask = new TestDelivery(1_000);
    cell.deliver(work, { value: 2 }, ask);
    await until(() => ask.replies.length === 1);
    expect(seen).to.deep.equal([[{ trace: '7' }, { cUid: 500n, service: '', incarnation: 0n }]]);
    expect(ask.replies).to.deep.equal([{ value: 2 }]);
    expect(system.statistics.deadLetters).to.equal(0);
  });

  it('throws for a tell past the bound or the end and counts it, and answers an ask', async () => {
    const { system, gate, ref, cell } = setUp();
    ref.push({});
    await until(() => system.statistics.messages === 1);
    expect(cell.deliver(push, {}, undefined)).to.equal(true);
    expect(cell.deliver(push, {}, undefined)).to.equal(false);
    expect(() => cell.deliver(push, {}, undefined)).to.throw(BackpressureError);
    const [full, late] = [new TestDelivery(1_000), new TestDelivery(1_000)];
    cell.deliver(work, {}, full);
    expect(full.failures[0]).to.be.instanceOf(BackpressureError);
    expect(system.statistics.deadLetters).to.equal(1);
    gate.resolve();
    await system.stop(ref);
    const before = system.statistics.deadLetters;
    expect(() => cell.deliver(push, {}, undefined)).to.throw(StoppedError);
    cell.deliver(work, {}, late);
    expect(late.failures[0]).to.be.instanceOf(StoppedError);
    expect(system.statistics.deadLetters).to.equal(before + 1);
  });

  it('does not execute an expired request', async () => {
    const { cell } = setUp();
    const expired = new TestDelivery(0);
    cell.deliver(work, {}, expired);
    await until(() => expired.failures.length === 1);
    expect(expired.failures[0]).to.be.instanceOf(AskTimeoutError);
  });

  it('refuses an ask whose chain has come round to it', async () => {
    const { system, gate, ref, cell } = setUp();
    ref.push({});
    await until(() => system.statistics.messages === 1);
    const [round, straight] = [new TestDelivery(1_000, [9n, 5n]), new TestDelivery(1_000, [9n, 8n])];
    cell.deliver(work, {}, round);
    cell.deliver(work, {}, straight);
    expect(round.failures[0]).to.be.instanceOf(ReentrantAskError);
    gate.resolve();
    await until(() => straight.replies.length === 1);
  });
});

describe('a reference to an actor elsewhere', () => {
  afterEach(closeSystems);

  it('is unreachable until somebody provides routes', async () => {
    const { system } = testSystem();
    const ref = system.reference(Worker, { cUid: 77n, service: 'test.Worker' });
    expect(ref.push({})).to.equal(false);
    expect(system.deadLetters.count).to.equal(1);
    expect(await rejection(ref.work({}))).to.be.instanceOf(UnreachableError);
    expect(await rejection(ref.ready())).to.be.instanceOf(UnreachableError);
  });

  it('hands its route filled messages, and what the handler that calls inherits', async () => {
    const { system } = testSystem();
    const told: unknown[] = [];
    const calls: OutgoingCall[] = [];
    const route: Route = {
      cUid: 77n,
      incarnation: 0n,
      tell: (_method, message, options: SendOptions | undefined) => {
        const delivery = system.outgoingTell(options);
        told.push([message, delivery?.meta, delivery?.sender]);
        return true;
      },
      ask: (_method, message, options: AskOptions | undefined) => {
        calls.push(system.outgoingAsk(options));
        return Promise.resolve(message);
      },
      stream: (method, _message, options) =>
        system.read(method, options, { path: 'elsewhere' }, () => {
          throw new UnreachableError('no stream leads there');
        }),
      ready: () => Promise.resolve(),
      room: 'free',
      inherit: (_method, options) => ({ options, byMs: undefined }),
      watch: () => {},
      unwatch: () => {},
    };
    system.setRemoteRoutes(() => route);
    const far = system.reference(Worker, { cUid: 77n, service: 'test.Worker' });
    const front = system.spawn(
      worker({
        work: (_state, message) => {
          far.push({});
          return far.work(message, { meta: { own: '1' } });
        },
      }),
    );
    far.push({ value: 1 });
    await front.work({ value: 2 }, { timeoutMs: 40, meta: { trace: '7' } });
    expect(told).to.deep.equal([
      [{ value: 1 }, undefined, undefined],
      [{ value: 0 }, { trace: '7' }, front.toRef()],
    ]);
    expect(calls).to.have.length(1);
    expect(calls[0]).to.deep.include({ deadlineMs: 40, meta: { trace: '7', own: '1' } });
    expect(chainIds(calls[0]?.chain)).to.deep.equal([front.toRef().cUid]);
  });

  it('has a chain that travels as channel ids', () => {
    expect(chainIds(chainFrom([3n, 2n, 1n]))).to.deep.equal([3n, 2n, 1n]);
    expect(chainFrom([])).to.equal(undefined);
    expect(chainFrom([3n, 2n])?.length).to.equal(2);
    expect(chainIds(undefined)).to.deep.equal([]);
  });
});
