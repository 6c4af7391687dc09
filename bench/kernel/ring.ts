import { EventEmitter } from 'node:events';
import type { Ref } from 'nact';
import type { Token } from '../gen/bench.js';
import type { Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { startComedy } from './comedy.js';
import { type BenchRef, startMillrace } from './millrace.js';
import { RingActor } from './ring-mailbox.js';
import { aroundTheRing, Finish, nextOf, RING } from './work.js';

const places = Array.from({ length: RING }, (_, place) => place);

/** One token that travels round a ring of actors: the cost of a single message. */
export const ring: Question = {
  slug: 'ring',
  metric: 'hops made',
  unit: 'M/s',
  isMoreBetter: true,
  sizes: ['1,000 actors'],
  peer: 'nact',
  subjects: {
    'millrace typed': async (effort) => {
      const finish = new Finish();
      const { runtime, actorThat } = await startMillrace();
      const refs: BenchRef[] = [];
      const pass = (place: number) => (hops: number) =>
        hops > 1 ? void nextOf(refs, place).pass({ hops: hops - 1 }) : finish.made();
      for (const place of places) refs.push(runtime.spawn(actorThat({ pass: pass(place) })));
      return rate(
        effort,
        aroundTheRing(finish, (hops) => nextOf(refs, 0).pass({ hops })),
      );
    },
    nact: async (effort) => {
      const finish = new Finish();
      const { dispatch, spawnStateless, start } = await import('nact');
      const system = start();
      const refs: Ref<Token>[] = [];
      for (const place of places) {
        const pass = ({ hops }: Token): void =>
          hops > 1 ? dispatch(nextOf(refs, place), { hops: hops - 1 }) : finish.made();
        refs.push(spawnStateless(system, pass, `place-${place}`));
      }
      return rate(
        effort,
        aroundTheRing(finish, (hops) => dispatch(nextOf(refs, 0), { hops })),
      );
    },
    comedy: async (effort) => {
      const finish = new Finish();
      const root = await startComedy();
      const actors: Awaited<ReturnType<typeof root.createChild>>[] = [];
      for (const place of places) {
        const pass = (hops: number): void =>
          hops > 1 ? void nextOf(actors, place).send('pass', hops - 1) : finish.made();
        actors.push(await root.createChild({ pass }));
      }
      return rate(
        effort,
        aroundTheRing(finish, (hops) => nextOf(actors, 0).send('pass', hops)),
      );
    },
    'EventEmitter + microtask': (effort) => {
      const finish = new Finish();
      const emitters: EventEmitter[] = places.map((place) =>
        new EventEmitter().on('pass', ({ hops }: Token) =>
          hops > 1 ? queueMicrotask(() => nextOf(emitters, place).emit('pass', { hops: hops - 1 })) : finish.made(),
        ),
      );
      return rate(
        effort,
        aroundTheRing(finish, (hops) => nextOf(emitters, 0).emit('pass', { hops })),
      );
    },
    'limit: ring mailbox': (effort) => {
      const finish = new Finish();
      const actors: RingActor<Token>[] = places.map(
        (place) =>
          new RingActor(({ hops }: Token) =>
            hops > 1 ? nextOf(actors, place).tell({ hops: hops - 1 }) : finish.made(),
          ),
      );
      return rate(
        effort,
        aroundTheRing(finish, (hops) => nextOf(actors, 0).tell({ hops })),
      );
    },
  },
};
