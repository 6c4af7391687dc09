import { EventEmitter } from 'node:events';
import type { Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { startComedy } from './comedy.js';
import { noteMachine, noteTransition } from './xstate.js';
import { rawOf, startMillrace } from './millrace.js';
import { RingActor } from './ring-mailbox.js';
import { Counter, inBatches } from './work.js';

/** Tells to one actor, in batches. Each batch is handled completely before the next starts. */
export const tellBatch: Question = {
  slug: 'tell-batch',
  metric: 'messages handled',
  unit: 'M/s',
  isMoreBetter: true,
  sizes: ['batches of 1,000'],
  peer: 'nact',
  subjects: {
    'millrace typed': async (effort) => {
      const counter = new Counter();
      const { runtime, actorThat } = await startMillrace();
      const ref = runtime.spawn(actorThat({ note: () => counter.add() }));
      return rate(
        effort,
        inBatches(counter, (value) => ref.note({ value })),
      );
    },
    'millrace raw': async (effort) => {
      const counter = new Counter();
      const { runtime, actorThat } = await startMillrace();
      const { route, methods } = await rawOf(runtime.spawn(actorThat({ note: () => counter.add() })));
      return rate(
        effort,
        inBatches(counter, (value) => route.tell(methods.note, { value }, undefined)),
      );
    },
    nact: async (effort) => {
      const counter = new Counter();
      const { dispatch, spawnStateless, start } = await import('nact');
      const ref = spawnStateless(start(), (_message: { value: number }) => counter.add(), 'sink');
      return rate(
        effort,
        inBatches(counter, (value) => dispatch(ref, { value })),
      );
    },
    comedy: async (effort) => {
      const counter = new Counter();
      const root = await startComedy();
      const actor = await root.createChild({ note: () => counter.add() });
      return rate(
        effort,
        inBatches(counter, (value) => actor.send('note', { value })),
      );
    },
    'XState machine': async (effort) => {
      const counter = new Counter();
      const { createActor } = await import('xstate');
      const actor = createActor(await noteMachine(() => counter.add())).start();
      return rate(
        effort,
        inBatches(counter, (value) => actor.send({ type: 'note', value })),
      );
    },
    'XState transition': async (effort) => {
      const counter = new Counter();
      const { createActor } = await import('xstate');
      const actor = createActor(await noteTransition(() => counter.add())).start();
      return rate(
        effort,
        inBatches(counter, (value) => actor.send({ type: 'note', value })),
      );
    },
    'EventEmitter + microtask': async (effort) => {
      const counter = new Counter();
      const emitter = new EventEmitter().on('note', () => counter.add());
      return rate(
        effort,
        inBatches(counter, (value) => queueMicrotask(() => emitter.emit('note', { value }))),
      );
    },
    'limit: ring mailbox': (effort) => {
      const counter = new Counter();
      const actor = new RingActor<{ value: number }>(() => counter.add());
      return rate(
        effort,
        inBatches(counter, (value) => actor.tell({ value })),
      );
    },
  },
};
