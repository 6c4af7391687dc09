import { expect } from 'chai';
import {
  type ActorProps,
  type ActorReference,
  type Parent,
  type SupervisionActorFunc,
  dispatch,
  query,
  type Ref,
  spawn,
  spawnStateless,
} from '#src/actors/nact/index.js';
import { HandlerError } from '#src/errors.js';
import { closeSystems, testSystem, worker } from '../kernel/harness.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';

type Msg = 'add' | 'fail' | { readonly sender: Ref<number> };

/** Counts, fails when it is told to, and answers with its count. */
function count(state: number, msg: Msg): number {
  if (msg === 'fail') throw new RangeError('told to fail');
  if (msg === 'add') return state + 1;
  dispatch(msg.sender, state);
  return state;
}

type OnCrash = SupervisionActorFunc<Msg, Parent>;

function counter<P extends Parent>(
  parent: P,
  name: string,
  onCrash?: OnCrash,
  props: ActorProps<number, Msg, P> = {},
): ActorReference<Msg> {
  return spawn(parent, count, name, { initialState: 0, ...(onCrash === undefined ? {} : { onCrash }), ...props });
}

const countOf = (actor: Ref<Msg>): Promise<number> => query(actor, (sender: Ref<number>) => ({ sender }), 1_000);

async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

describe('onCrash of millrace/nact', () => {
  afterEach(closeSystems);

  it('stops the actor by default, says so once, and publishes it', async () => {
    const { system, log } = testSystem();
    const failures: unknown[] = [];
    system.failures.subscribe(({ path, error }) => failures.push([path, error.message]));
    const actor = counter(system, 'a');
    dispatch(actor, 'fail');
    await until(() => system.statistics.actors === 0);
    expect(failures).to.deep.equal([['test/a', 'told to fail']]);
    expect(log.filter(({ level }) => level === 'error').map(({ message }) => message)).to.deep.equal([
      'actor failed: stop',
    ]);
  });

  it('goes on by default where there is no state', async () => {
    const { system } = testSystem();
    const seen: string[] = [];
    const actor = spawnStateless(system, (msg: string) => {
      if (msg === 'fail') throw new RangeError('told to fail');
      seen.push(msg);
    });
    for (const msg of ['a', 'fail', 'b']) dispatch(actor, msg);
    await until(() => seen.length === 2);
    expect(seen).to.deep.equal(['a', 'b']);
  });

  it('is given the message, the error, and a context with the verdicts and what waits', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const actor = counter(system, 'a', (msg, error, ctx, child) => {
      seen.push(
        msg,
        error.message,
        ctx.name,
        ctx.mailbox.map(({ message }) => message),
        child,
      );
      return ctx.resume;
    });
    for (const msg of ['add', 'fail', 'add', 'add'] as const) dispatch(actor, msg);
    expect(await countOf(actor)).to.equal(3);
    expect(seen.slice(0, 3)).to.deep.equal(['fail', 'told to fail', 'a']);
    expect(seen[3]).to.include.members(['add']);
    expect(seen[4]).to.equal(undefined);
  });

  it('may take its time; meanwhile nothing is handled, and who asked knows already', async () => {
    const { system, scheduler } = testSystem();
    const actor = counter(system, 'a', async (_msg, _error, ctx) => {
      await new Promise<void>((resolve) => void scheduler.setTimer(500, resolve));
      return ctx.resume;
    });
    const failing = spawn(
      system,
      (_state: undefined, _msg: object) => {
        throw new RangeError('no answer');
      },
      'failing',
      {
        onCrash: async (_msg, _error, ctx) => {
          await new Promise<void>((resolve) => void scheduler.setTimer(500, resolve));
          return ctx.resume;
        },
      },
    );
    const failure = await rejection(query(failing, {}, 1_000));
    expect(failure).to.be.instanceOf(HandlerError);
    expect(scheduler.now()).to.equal(0);
    dispatch(actor, 'fail');
    dispatch(actor, 'add');
    expect(await countOf(actor)).to.equal(1);
    expect(scheduler.now()).to.equal(500);
  });

  it('resets: fresh state, the mailbox stays, children end, afterStop is not called', async () => {
    const { system } = testSystem();
    const ended: string[] = [];
    const actor = counter(system, 'a', (_msg, _error, ctx) => ctx.reset, {
      initialStateFunc: () => 10,
      afterStop: () => void ended.push('a'),
    });
    counter(actor, 'child', undefined, { afterStop: () => void ended.push('child') });
    for (const msg of ['add', 'add', 'fail', 'add'] as const) dispatch(actor, msg);
    expect(await countOf(actor)).to.equal(11);
    expect(ended).to.deep.equal(['child']);
  });

  it('resets again after a pause, and gives up after the tenth time within a minute', async () => {
    const { system, log } = testSystem();
    const actor = counter(system, 'a', (_msg, _error, ctx) => ctx.reset);
    for (let times = 0; times < 11; times++) dispatch(actor, 'fail');
    await until(() => system.statistics.actors === 0);
    expect(log.filter(({ message }) => message === 'actor failed: restart')).to.have.length(10);
    expect(log.at(-1)?.message).to.equal('actor failed: escalate');
  });

  it('decides on a state that cannot be made', async () => {
    const { system } = testSystem();
    let attempts = 0;
    const actor = counter(system, 'a', (_msg, _error, ctx) => ctx.reset, {
      initialStateFunc: () => {
        attempts++;
        if (attempts < 3) throw new RangeError('not yet');
        return 7;
      },
    });
    expect(await countOf(actor)).to.equal(7);
    expect(attempts).to.equal(3);
  });

  it('escalates to the parent, which is told of the child and decides on it or on itself', async () => {
    const verdicts = ['resume', 'stopChild', 'resetChild', 'stop', 'reset'] as const;
    const outcome: Record<string, string> = {};
    for (const verdict of verdicts) {
      const { system } = testSystem();
      const children: unknown[] = [];
      const parent = counter(system, 'parent', (msg, error, ctx, child) => {
        children.push([msg, error.message, child === failing]);
        return ctx[verdict];
      });
      const failing = counter(parent, 'child', (_msg, _error, ctx) => ctx.escalate);
      dispatch(parent, 'add');
      dispatch(failing, 'add');
      dispatch(failing, 'fail');
      await settled();
      expect(children).to.deep.equal([['fail', 'told to fail', true]]);
      const of = (actor: Ref<Msg>): Promise<string> => countOf(actor).then(String, () => 'gone');
      outcome[verdict] = `parent ${await of(parent)}, child ${await of(failing)}`;
    }
    expect(outcome).to.deep.equal({
      resume: 'parent 1, child 1',
      stopChild: 'parent 1, child gone',
      resetChild: 'parent 1, child 0',
      stop: 'parent gone, child gone',
      reset: 'parent 0, child gone',
    });
  });

  it('escalates further up, and past the top to the kernel', async () => {
    const { system } = testSystem();
    const failures: string[] = [];
    system.failures.subscribe(({ path }) => failures.push(path));
    const escalate: OnCrash = (_msg, _error, ctx) => ctx.escalate;
    const top = counter(system, 'top', escalate);
    const middle = counter(top, 'middle', escalate);
    const bottom = counter(middle, 'bottom', escalate);
    dispatch(bottom, 'fail');
    await until(() => system.statistics.actors === 0);
    expect(failures).to.deep.equal(['test/top']);
  });

  it('fails a typed parent with the same error', async () => {
    const { system, log } = testSystem();
    const child: ActorReference<Msg>[] = [];
    const parent = system.spawn(
      worker({
        supervision: 'resume',
        push: (_state, _request, ctx) =>
          void child.push(counter(ctx.self, 'child', (_msg, _error, { escalate }) => escalate)),
      }),
      { name: 'typed' },
    );
    parent.push({});
    await until(() => child.length === 1);
    for (const actor of child) dispatch(actor, 'fail');
    await until(() => log.some(({ fields }) => fields['actor'] === 'test/typed'));
    expect(log.at(-1)).to.deep.include({ level: 'warn', message: 'actor failed: resume' });
    await until(() => system.statistics.actors === 1);
  });

  it('stops or resets peers in nact style, and no other actor', async () => {
    for (const verdict of ['stopAll', 'resetAll'] as const) {
      const { system } = testSystem();
      const typed = system.spawn(worker(), { name: 'typed' });
      const peers = ['b', 'c'].map((name) => counter(system, name));
      const failing = counter(system, 'a', (_msg, _error, ctx) => ctx[verdict]);
      for (const actor of [failing, ...peers]) dispatch(actor, 'add');
      dispatch(failing, 'fail');
      await settled();
      const counts = await Promise.all([failing, ...peers].map((actor) => countOf(actor).then(String, () => 'gone')));
      expect(counts).to.deep.equal(verdict === 'stopAll' ? ['gone', 'gone', 'gone'] : ['0', '0', '0']);
      expect(await typed.work({ value: 3 })).to.deep.equal({ value: 3 });
    }
  });

  it('stops or resets all children, and goes on itself', async () => {
    for (const verdict of ['stopAllChildren', 'resetAllChildren'] as const) {
      const { system } = testSystem();
      const parent = counter(system, 'parent', (_msg, _error, ctx) => ctx[verdict]);
      const escalate: OnCrash = (_msg, _error, ctx) => ctx.escalate;
      const children = ['b', 'c'].map((name) => counter(parent, name, escalate));
      for (const failing of [parent, ...children.slice(0, 1)]) {
        for (const actor of [parent, ...children]) dispatch(actor, 'add');
        dispatch(failing, 'fail');
        await settled();
        const counts = await Promise.all(children.map((actor) => countOf(actor).then(String, () => 'gone')));
        expect(counts, verdict).to.deep.equal(verdict === 'stopAllChildren' ? ['gone', 'gone'] : ['0', '0']);
      }
      expect(await countOf(parent)).to.equal(2);
    }
  });

  it('leaves it to the parent when it throws, or decides what makes no sense', async () => {
    const nonsense: OnCrash[] = [
      () => {
        throw new RangeError('onCrash is broken');
      },
      () => Promise.reject(new RangeError('onCrash is broken')),
      (_msg, _error, ctx) => ctx.stopChild,
      () => Symbol('mine'),
    ];
    for (const onCrash of nonsense) {
      const { system } = testSystem();
      const parent = counter(system, 'parent', (_msg, _error, ctx) => ctx.resetChild);
      const child = counter(parent, 'child', onCrash);
      dispatch(child, 'add');
      dispatch(child, 'fail');
      expect(await countOf(child)).to.equal(0);
    }
  });
});
