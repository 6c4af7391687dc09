import { expect } from 'chai';
import {
  BackpressureError,
  ConfigError,
  HandlerError,
  ProtocolError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import type { Behavior } from '#src/actors/kernel/index.js';
import { rejection } from '../../../support/rejection.js';
import { upTo } from '../../../support/numbers.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { describeRuntime, until } from '../harness.js';

async function joined<State>(runtime: Runtime, behaviors: readonly Behavior<typeof Errands, State>[]) {
  const refs = behaviors.map((behavior) => runtime.spawn<typeof Errands, State, unknown>(behavior));
  for (const ref of refs) await runtime.register('pool', ref, { group: true });
  return refs;
}

const numbered = (value: number) => errandRunner({ run: () => ({ value }) });

describeRuntime({ title: 'a reference to a group', linked: true }, (start) => {
  it('gives the hash policy a request with its defaults', async () => {
    const { runtime } = await start();
    await joined(runtime, [errandRunner()]);
    const keys: number[] = [];
    const hash = ({ value }: { readonly value: number }): number => {
      keys.push(value);
      return value;
    };
    const pool = await runtime.group(Errands, 'pool', { policy: { hash } });
    await pool.run({});
    pool.push({});
    await pool.whenReady.push({});
    expect(keys).to.deep.equal([0, 0, 0]);
    const wrong = 5 as never;
    expect(await rejection(pool.run(wrong))).to.be.instanceOf(ProtocolError);
    expect(() => pool.push(wrong)).to.throw(ProtocolError);
    expect(keys).to.have.length(3);
  });

  it('reports what the hash policy throws, or returns instead of a key, as any other error of a call', async () => {
    const { runtime } = await start();
    await joined(runtime, [errandRunner()]);
    const untyped = (value: unknown): never => value as never;
    const failures = [
      { hash: () => untyped(JSON.parse('{')), type: HandlerError, says: 'SyntaxError' },
      { hash: () => untyped(undefined), type: ConfigError, says: 'undefined' },
      { hash: () => untyped({}), type: ConfigError, says: '{}' },
    ];
    for (const { hash, type, says } of failures) {
      const pool = await runtime.group(Errands, 'pool', { policy: { hash } });
      let ask: Promise<unknown> | undefined;
      expect(() => (ask = pool.run({}))).not.to.throw();
      const error = await rejection(Promise.resolve(ask));
      expect(error).to.be.instanceOf(type).with.property('message').that.includes(says);
      expect(error).to.have.property('message').that.includes('"pool"');
      expect(() => pool.push({})).to.throw(type, says);
      expect(await rejection(pool.whenReady.push({}))).to.be.instanceOf(type);
      expect(await rejection(pool.list({}).next())).to.be.instanceOf(type);
    }
  });

  it('is used no more when it is closed, and others are', async () => {
    const { runtime } = await start();
    await joined(runtime, [numbered(1)]);
    const pool = await runtime.group(Errands, 'pool');
    const other = await runtime.group(Errands, 'pool');
    pool.close();
    pool.close();
    const lost = runtime.deadLetters.count;
    expect(pool.push({})).to.equal(false);
    expect(runtime.deadLetters.count).to.equal(lost + 1);
    for (const call of [pool.run({}), pool.ready(), pool.whenReady.push({}), pool.list({}).next()]) {
      expect(await rejection(call)).to.be.instanceOf(StoppedError);
    }
    expect((await other.run({})).value).to.equal(1);
    {
      using third = await runtime.group(Errands, 'pool');
      expect((await third.run({})).value).to.equal(1);
    }
    other.close();
    const again = await runtime.group(Errands, 'pool');
    expect((await again.run({})).value).to.equal(1);
  });

  it('watches no ended group, so that a process may use more groups than it can watch at a time', async () => {
    const { runtime } = await start();
    await joined(runtime, [numbered(1)]);
    const names = upTo(40).map((index) => `pool-${index}`);
    for (const name of names) {
      using pool = await runtime.group(Errands, name);
      expect(await rejection(pool.run({}))).to.be.instanceOf(UnreachableError);
    }
    const member = runtime.spawn(numbered(2));
    await runtime.register('pool-0', member, { group: true });
    using pool = await runtime.group(Errands, 'pool-0');
    expect((await pool.run({})).value).to.equal(2);
  });

  it('takes turns over all calls, whichever reference they use', async () => {
    const { runtime } = await start();
    await joined(runtime, upTo(3).map(numbered));
    const answers: number[] = [];
    const first = await runtime.group(Errands, 'pool');
    for (let times = 0; times < 3; times++) {
      using second = await runtime.group(Errands, 'pool');
      answers.push((await second.run({})).value, (await first.run({})).value);
    }
    expect(answers.toSorted((one, other) => one - other)).to.deep.equal([0, 0, 1, 1, 2, 2]);
  });

  it('has tells that wait for the first member with room', async () => {
    const { runtime } = await start();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    let handled = 0;
    const slow = errandRunner({
      mailbox: { capacity: 4 },
      push: async () => {
        await gate;
        handled++;
      },
    });
    await joined(runtime, [slow, slow]);
    const pool = await runtime.group(Errands, 'pool');
    const sent = upTo(40).map((value) => pool.whenReady.push({ value }, { timeoutMs: 60_000 }));
    const late = await rejection(pool.whenReady.push({}, { timeoutMs: 20 }));
    expect(late).to.be.instanceOf(BackpressureError);
    open();
    await Promise.all(sent);
    await until(() => handled === 40);
    expect(await rejection(pool.whenReady.push({}, { timeout: 5 } as never))).to.be.instanceOf(ConfigError);
    expect(String(pool)).to.include('pool');
  });
});

describeRuntime({ title: 'a group behind a network', virtualOnly: 'the network is cut' }, (start) => {
  it('sends to a member again when the link to it is back, and to the others meanwhile', async () => {
    const { runtime, control, cluster } = await start({ linkDeadMs: 500 });
    const other = await cluster.start({ linkDeadMs: 500 });
    const third = await cluster.start({ linkDeadMs: 500 });
    await joined(other, [numbered(1)]);
    await joined(third, [numbered(2)]);
    const user = control === runtime ? await cluster.start({ linkDeadMs: 500 }) : runtime;
    const pool = await user.group(Errands, 'pool');
    const answers = async (): Promise<readonly number[]> => {
      const seen = new Set<number>();
      for (let times = 0; times < 4; times++) seen.add((await pool.run({}).catch(() => ({ value: 0 }))).value);
      return [...seen].toSorted((one, another) => one - another);
    };
    expect(await answers()).to.deep.equal([1, 2]);
    const heal = cluster.executor.network.partition([user.node], [other.node]);
    for (let tries = 0; (await answers()).join() !== '2'; tries++) {
      expect(tries).to.be.below(50);
      await cluster.pass(100);
    }
    const lost = user.deadLetters.count;
    for (let times = 0; times < 10; times++) expect(pool.push({})).to.equal(true);
    await cluster.pass(3_000);
    expect(user.deadLetters.count).to.equal(lost);
    heal();
    await cluster.pass(6_000);
    expect(await answers()).to.deep.equal([1, 2]);
  });

  it('says that it has members, and that none of them can be reached', async () => {
    const { runtime, control, cluster } = await start({ linkDeadMs: 500 });
    const other = await cluster.start({ linkDeadMs: 500 });
    const user = control === runtime ? await cluster.start({ linkDeadMs: 500 }) : runtime;
    const [member] = await joined(other, [numbered(1)]);
    const pool = await user.group(Errands, 'pool');
    await pool.run({});
    const heal = cluster.executor.network.partition([user.node], [other.node]);
    await rejection(pool.run({}, { timeoutMs: 3_000 }));
    expect(await rejection(pool.run({})))
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.includes('1 member');
    expect(pool.push({})).to.equal(false);
    // It ends meanwhile: nobody looks for it any more.
    if (member !== undefined) await other.stopActor(member);
    await cluster.pass(1_000);
    heal();
    await cluster.pass(6_000);
    expect(await rejection(pool.run({})))
      .to.have.property('message')
      .that.includes('no members');
  });
});
