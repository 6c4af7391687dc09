import { expect } from 'chai';
import { type Context, behavior } from '#src/actors/kernel/index.js';
import { Executor, type Runtime, type RuntimeOptions } from '#src/actors/runtime/index.js';
import { MillraceError } from '#src/errors.js';
import { memoryLogger } from '#src/logging/index.js';
import type { RefInit } from '#src/protocol/index.js';
import { Errands } from '../transport/errands.js';

/** An account that says whose it is, and gives others their way by a reference that was kept. */
function account(owner: number) {
  return behavior(Errands, {
    state: (context) => context,
    push: () => {},
    urge: () => {},
    run: () => ({ value: owner }),
    rush: (_context: Context, { value, load }) => ({ value, load }),
  });
}

describe('the identity of a process', () => {
  const executors: Executor[] = [];

  afterEach(async () => {
    for (const executor of executors.splice(0).toReversed()) await executor.stop();
  });

  function cluster(options: ConstructorParameters<typeof Executor>[0] = {}): Executor {
    const executor = new Executor(options);
    executors.push(executor);
    return executor;
  }

  /** What an actor of `runtime` gets that asks by a reference from elsewhere. */
  async function ask(runtime: Runtime, ref: RefInit): Promise<number | string> {
    let outcome: number | string = '';
    const asking = behavior(Errands, {
      push: () => {},
      urge: () => {},
      run: async (_state, _request, context) => {
        outcome = await context
          .ref(Errands, ref)
          .run({}, { timeoutMs: 2_000 })
          .then(
            ({ value }) => value,
            (error: unknown) => (error instanceof MillraceError ? error.code : String(error)),
          );
        return {};
      },
      rush: () => ({}),
    });
    const helper = runtime.spawn(asking);
    await helper.run({});
    await runtime.stopActor(helper);
    return outcome;
  }

  for (const [world, options] of [
    ['on virtual time', { seed: 7 }],
    ['in real time', {}],
  ] as const) {
    it(`${world}: a reference kept over a restart of everything reaches nobody else`, async () => {
      const executor = cluster(options);
      const starts = async (owner: number) => {
        const control = await executor.start({ node: 'control' });
        const member = await executor.start({ node: 'member', controlPlane: control.controlPlane });
        const ref = member.spawn(account(owner), { name: 'account' }).toRef();
        return { control, ref };
      };
      const { control, ref: kept } = await starts(1);
      expect(await ask(control, kept)).to.equal(1);
      executor.crash('member');
      executor.crash('control');
      executor.restart('control');
      executor.restart('member');
      const { control: next, ref } = await starts(2);
      expect(await ask(next, ref)).to.equal(2);
      expect(await ask(next, kept)).to.equal('UNREACHABLE');
      // One that has lost its incarnation on the way finds no other actor, either.
      expect(await ask(next, { cUid: kept.cUid })).to.be.oneOf(['UNREACHABLE', 'STOPPED']);
      expect(kept.cUid).to.not.equal(ref.cUid);
    });
  }

  it('differs for two processes with the same names', async () => {
    const log = memoryLogger();
    const shared: RuntimeOptions = { node: 'host', name: 'worker' };
    const net = { listen: 'unix:' } as const;
    const control = await cluster({ net }).start(shared);
    const join = async (owner: number) => {
      const runtime = await cluster({ net, log }).start({ ...shared, controlPlane: control.controlPlane });
      const ref = runtime.spawn(account(owner), { name: `account-${owner}` });
      await runtime.register(`account-${owner}`, ref);
      return runtime;
    };
    const [one, two] = [await join(1), await join(2)];
    expect(new Set([control, one, two].map(({ pUid }) => pUid)).size).to.equal(3);
    expect([control, one, two].map(({ name }) => name)).to.deep.equal(['worker', 'worker-2', 'worker-3']);
    expect(log.records.filter(({ message }) => message.includes('"worker-3"'))).to.have.length(1);
    const answers = [1, 2].map(async (owner) => {
      const ref = await control.lookup(Errands, `account-${owner}`);
      return (await ref.run({})).value;
    });
    expect(await Promise.all(answers)).to.deep.equal([1, 2]);
    await one.stop();
    expect((await (await control.lookup(Errands, 'account-2')).run({})).value).to.equal(2);
  });
});
