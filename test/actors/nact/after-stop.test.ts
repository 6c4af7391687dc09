import { expect } from 'chai';
import { type ActorReference, dispatch, query, spawn, spawnStateless, stop } from '#src/actors/nact/index.js';
import { StoppedError } from '#src/errors.js';
import { Deferred } from '#src/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, type TestSystem, testSystem } from '../kernel/harness.js';

type System = TestSystem['system'];

describe('afterStop of millrace/nact', () => {
  afterEach(closeSystems);

  interface Case {
    readonly system: System;
    readonly parent: ActorReference<string>;
    readonly actor: ActorReference<string>;
    /** Lets the first message end. */
    readonly release: () => void;
    readonly seen: unknown[];
  }

  /** An actor that handles "first", while others wait. */
  function busyActor(): Case {
    const { system } = testSystem();
    const gate = new Deferred<void>();
    const seen: unknown[] = [];
    const parent = spawnStateless(system, (_msg: string) => {}, 'parent');
    const actor = spawn(
      parent,
      async (count: number, msg: string) => {
        seen.push(msg);
        await gate.promise;
        if (msg === 'fails') throw new Error('it fails');
        return count + 1;
      },
      'actor',
      {
        initialState: 0,
        onCrash: (_msg, _error, ctx) => ctx.reset,
        afterStop: (count, ctx) => {
          seen.push([count, ctx.parent === parent, ctx.name, ctx.mailbox.map(({ message }) => message)]);
        },
      },
    );
    return { system, parent, actor, seen, release: () => gate.resolve() };
  }

  const stops: Readonly<Record<string, (made: Case) => void>> = {
    'it is stopped': ({ actor }) => stop(actor),
    'its parent is stopped': ({ parent }) => stop(parent),
    'its system is stopped': ({ system }) => stop(system),
  };
  for (const [when, stopIn] of Object.entries(stops)) {
    it(`has the messages that are not handled in its mailbox, when ${when}`, async () => {
      const made = busyActor();
      const { actor, system, seen, release } = made;
      dispatch(actor, 'first');
      await until(() => seen.length === 1);
      dispatch(actor, 'second');
      const asked = rejection(query(actor, 'third', 1_000));
      stopIn(made);
      expect(await asked).to.be.instanceOf(StoppedError);
      release();
      await until(() => seen.length === 2);
      expect(seen).to.deep.equal(['first', [1, true, 'actor', ['second', 'third']]]);
      expect(system.deadLetters.count).to.be.greaterThan(0);
    });
  }

  it('has an empty mailbox where nothing waited, also after a reset', async () => {
    const { actor, seen, release } = busyActor();
    release();
    dispatch(actor, 'fails');
    dispatch(actor, 'second');
    await until(() => seen.length === 2);
    stop(actor);
    await until(() => seen.length === 3);
    expect(seen).to.deep.equal(['fails', 'second', [1, true, 'actor', []]]);
  });
});
