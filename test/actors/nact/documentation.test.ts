import { expect } from 'chai';
import fc from 'fast-check';
import nact from 'nact';
import {
  configurePersistence,
  dispatch,
  hours,
  messages,
  minutes,
  Nobody,
  query,
  type Ref,
  seconds,
  spawn,
  spawnPersistent,
  spawnStateless,
  stop,
} from '#src/actors/nact/index.js';
import { closeSystems, testSystem } from '../kernel/harness.js';
import { until } from '../../support/until.js';
import { MockPersistenceEngine } from '../persistence/engines.js';

// The programs of nact's documentation, with our runtime in the place of its system.
describe("the programs of nact's documentation", () => {
  afterEach(closeSystems);

  it('greet', async () => {
    const { system } = testSystem();
    const said: string[] = [];
    const greeter = spawnStateless(system, (msg: { name: string }) => void said.push(`Hello ${msg.name}`), 'greeter');
    dispatch(greeter, { name: 'Erlich Bachman' });
    await until(() => said.length === 1);
    expect(said).to.deep.equal(['Hello Erlich Bachman']);
  });

  it('greet one at a time, after a delay', async () => {
    const { system, scheduler } = testSystem();
    const said: string[] = [];
    const delay = (time: number): Promise<void> => new Promise((resolve) => void scheduler.setTimer(time, resolve));
    const greeter = spawnStateless(
      system,
      async ({ name }: { name: string }) => {
        await delay(500);
        said.push(`Hello ${name} at ${scheduler.now()}`);
      },
      'greeter',
    );
    for (const name of ['Erlich Bachman', 'Jared Dunn']) dispatch(greeter, { name });
    await until(() => said.length === 2);
    expect(said).to.deep.equal(['Hello Erlich Bachman at 500', 'Hello Jared Dunn at 1000']);
  });

  it('remember whom they have greeted', async () => {
    const { system } = testSystem();
    const said: string[] = [];
    const greeter = spawn(
      system,
      (state: Record<string, boolean> | undefined, msg: { name: string }) => {
        said.push(state?.[msg.name] === true ? `Hello again ${msg.name}.` : `Good to meet you, ${msg.name}.`);
        return { ...state, [msg.name]: true };
      },
      'stateful-greeter',
    );
    for (const name of ['Erlich', 'Gavin', 'Erlich']) dispatch(greeter, { name });
    await until(() => said.length === 3);
    expect(said).to.deep.equal(['Good to meet you, Erlich.', 'Good to meet you, Gavin.', 'Hello again Erlich.']);
  });

  it('play ping-pong', async () => {
    const { system } = testSystem();
    interface Ball {
      readonly value: string;
      readonly sender: Ref<Ball>;
      readonly hits: number;
    }
    const heard: string[] = [];
    const player = (name: string) =>
      spawnStateless(
        system,
        (msg: Ball, ctx) => {
          heard.push(`${ctx.name} heard ${msg.value}`);
          if (msg.hits > 0) dispatch(msg.sender, { value: ctx.name, sender: ctx.self, hits: msg.hits - 1 });
        },
        name,
      );
    const [ping, pong] = [player('ping'), player('pong')];
    dispatch(ping, { value: 'begin', sender: pong, hits: 3 });
    await until(() => heard.length === 4);
    expect(heard).to.deep.equal(['ping heard begin', 'pong heard ping', 'ping heard pong', 'pong heard ping']);
  });

  it('keep contacts: a child for each user, spawned when it is first needed, that persists and times out', async () => {
    type Request =
      | { readonly type: 'GET_CONTACTS'; readonly userId: string; readonly sender: Ref<readonly string[]> }
      | {
          readonly type: 'CREATE_CONTACT';
          readonly userId: string;
          readonly name: string;
          readonly sender: Ref<string>;
        };
    const { system, scheduler } = testSystem();
    const engine = new MockPersistenceEngine();
    configurePersistence(engine)(system);
    let spawned = 0;
    const service = spawnStateless(
      system,
      (msg: Request, ctx) => {
        const name = `user-${msg.userId}`;
        let child: Ref<Request> | undefined = ctx.children.get(name);
        if (child === undefined) {
          spawned++;
          child = spawnPersistent(
            ctx.self,
            async (names: readonly string[], request: Request, { recovering, persist }) => {
              if (request.type === 'GET_CONTACTS') {
                dispatch(request.sender, names);
                return names;
              }
              if (!recovering) {
                await persist({ ...request, sender: new Nobody() });
                dispatch(request.sender, 'SUCCESS');
              }
              return [...names, request.name];
            },
            `contacts:${msg.userId}`,
            name,
            { initialState: [], snapshotEvery: 20 * messages, shutdownAfter: 10 * seconds },
          );
        }
        dispatch(child, msg, ctx.sender);
      },
      'contacts',
    );
    const create = (userId: string, name: string) =>
      query(service, (sender: Ref<string>) => ({ type: 'CREATE_CONTACT', userId, name, sender }), 1_000);
    const get = (userId: string) =>
      query(service, (sender: Ref<readonly string[]>) => ({ type: 'GET_CONTACTS', userId, sender }), 1_000);
    expect(await create('1', 'Nelson Bighetti')).to.equal('SUCCESS');
    expect(await create('1', 'Monica Hall')).to.equal('SUCCESS');
    expect(await create('2', 'Laurie Bream')).to.equal('SUCCESS');
    expect(await get('1')).to.deep.equal(['Nelson Bighetti', 'Monica Hall']);
    expect(spawned).to.equal(2);
    await until(() => system.statistics.actors === 1);
    expect(scheduler.now()).to.equal(10_000);
    expect(await get('2')).to.deep.equal(['Laurie Bream']);
    expect(spawned).to.equal(3);
  });

  it('count in its units', () => {
    expect([2 * hours, 3 * minutes, 4 * seconds, 5 * messages]).to.deep.equal([7_200_000, 180_000, 4_000, 5]);
    expect(dispatch(new Nobody(), 'anything')).to.equal(true);
    stop(new Nobody());
  });
});

type Step = 'add' | 'addLater' | 'fail' | 'failLater';
type Told = Step | { readonly sender: object };

/** The same function for both; `answer` is the `dispatch` of either. */
function adding(answer: (sender: never, total: number) => unknown) {
  return (total: number, msg: Told): number | Promise<number> => {
    switch (msg) {
      case 'add':
        return total + 1;
      case 'addLater':
        return Promise.resolve(total + 10);
      case 'fail':
        throw new RangeError('told to');
      case 'failLater':
        return Promise.reject(new RangeError('told to'));
      default:
        answer(msg.sender as never, total);
        return total;
    }
  };
}

describe('an actor of nact and one of ours', () => {
  afterEach(closeSystems);

  it('come to the same state by the same messages', async () => {
    const steps = fc.array(fc.constantFrom<Step>('add', 'addLater', 'fail', 'failLater'), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom('resume', 'reset'), async (all, verdict) => {
        // Our second reset waits for a while, which nact's does not.
        const failures = all.filter((step) => step.startsWith('fail'));
        fc.pre(verdict === 'resume' || failures.length <= 1);
        const { system } = testSystem({}, { isReal: true });
        const stock = nact.start();
        try {
          const ours = spawn(system, adding(dispatch), 'adder', {
            initialState: 0,
            onCrash: (_msg, _error, ctx) => ctx[verdict as 'resume'],
          });
          const theirs = nact.spawn(stock, adding(nact.dispatch as never), 'adder', {
            initialState: 0,
            onCrash: (_msg, _error, ctx) => ctx[verdict as 'resume'],
          });
          for (const step of all) {
            dispatch(ours, step);
            nact.dispatch(theirs, step);
          }
          const states = await Promise.all([
            query(ours, (sender: Ref<number>) => ({ sender }), 1_000),
            nact.query(theirs, (sender: object) => ({ sender }), 1_000),
          ]);
          expect(states[0]).to.equal(states[1]);
        } finally {
          nact.stop(stock);
        }
      }),
      { numRuns: 60 },
    );
  });
});
