import { EventEmitter } from 'node:events';
import { startComedy } from './comedy.js';
import { startMillrace } from './millrace.js';
import { RingActor } from './ring-mailbox.js';
import { Counter } from './work.js';
import { noteMachine } from './xstate.js';

/** Many actors of one kind. Each only counts messages. */
export interface Population {
  /** Starts `count` more. Resolves to the number of actors. */
  grow(count: number): Promise<number>;
  /** Sends one tell to each actor. Resolves when all have handled it. */
  tellAll(): Promise<void>;
  /** Stops all. */
  end(): Promise<void>;
}

interface Kind<Actor> {
  /** `name` is unique. Libraries without names ignore it. */
  spawn(name: string): Actor | Promise<Actor>;
  tell(actor: Actor): unknown;
  stop(actor: Actor): unknown;
}

async function population<Actor>(makeKind: (noted: () => void) => Promise<Kind<Actor>>): Promise<Population> {
  const counter = new Counter();
  const kind = await makeKind(() => counter.add());
  let actors: Actor[] = [];
  return {
    async grow(count) {
      for (let number = 0; number < count; number++) {
        const actor = kind.spawn(`actor-${number}`);
        actors.push(actor instanceof Promise ? await actor : actor);
      }
      return actors.length;
    },
    async tellAll() {
      counter.count = 0;
      const told = counter.until(actors.length);
      for (const actor of actors) kind.tell(actor);
      await told;
    },
    async end() {
      await Promise.all(actors.map((actor) => kind.stop(actor)));
      actors = [];
    },
  };
}

/** The actors have no state. They have names if their library has names. */
export const populations: Readonly<Record<string, () => Promise<Population>>> = {
  'millrace typed': () =>
    population(async (noted) => {
      const { runtime, actorThat } = await startMillrace();
      const definition = actorThat({ note: noted });
      return {
        spawn: (name) => runtime.spawn(definition, { name }),
        tell: (ref) => ref.note({ value: 1 }),
        stop: (ref) => runtime.stopActor(ref),
      };
    }),
  nact: () =>
    population(async (noted) => {
      const { dispatch, spawnStateless, start, stop } = await import('nact');
      const system = start();
      return {
        spawn: (name) => spawnStateless(system, (_message: { value: number }) => noted(), name),
        tell: (ref) => dispatch(ref, { value: 1 }),
        stop,
      };
    }),
  comedy: () =>
    population(async (noted) => {
      const root = await startComedy();
      return {
        // comedy returns promises of its own class.
        spawn: async (name) => root.createChild({ note: noted }, { name }),
        tell: (actor) => actor.send('note', { value: 1 }),
        stop: (actor) => actor.destroy(),
      };
    }),
  'XState machine': () =>
    population(async (noted) => {
      const { createActor } = await import('xstate');
      const machine = await noteMachine(noted);
      return {
        spawn: (id) => createActor(machine, { id }).start(),
        tell: (actor) => actor.send({ type: 'note', value: 1 }),
        stop: (actor) => actor.stop(),
      };
    }),
  EventEmitter: () =>
    population((noted) =>
      Promise.resolve<Kind<EventEmitter>>({
        spawn: () => new EventEmitter().on('note', noted),
        tell: (emitter) => emitter.emit('note', { value: 1 }),
        stop: (emitter) => emitter.removeAllListeners(),
      }),
    ),
  'limit: ring mailbox': () =>
    population((noted) =>
      Promise.resolve<Kind<RingActor<{ value: number }>>>({
        spawn: () => new RingActor<{ value: number }>(noted),
        tell: (actor) => actor.tell({ value: 1 }),
        stop: () => undefined,
      }),
    ),
};
