import { EventEmitter } from 'node:events';
import type { Ref } from 'nact';
import type { Effort, Measure, Question } from '../harness/question.js';
import { rate, type Work } from '../harness/rate.js';
import { startComedy } from './comedy.js';
import { rawOf, startMillrace } from './millrace.js';
import { RingActor } from './ring-mailbox.js';
import { type Echo, oneByOne, pipelined } from './work.js';

interface Request {
  readonly value: number;
  readonly reply: (value: number) => void;
}

/** Asks to an echo actor, one after the other. */
export const ask: Question = asks('ask', 'one at a time', oneByOne);

/** Asks to an echo actor, with many in flight. */
export const askPipelined: Question = asks('ask-pipelined', '64 in flight', pipelined);

function asks(slug: string, size: string, pattern: <Reply>(echo: Echo<Reply>) => Work): Question {
  const asking = <Reply>(prepare: () => Promise<Echo<Reply>>) => {
    return async (effort: Effort): Promise<Measure> => rate(effort, pattern(await prepare()));
  };
  return {
    slug,
    metric: 'asks answered',
    unit: 'M/s',
    isMoreBetter: true,
    sizes: [size],
    peer: 'nact',
    subjects: {
      'millrace typed': asking(async () => {
        const { runtime, actorThat } = await startMillrace();
        const ref = runtime.spawn(actorThat({}));
        return { ask: (value) => ref.echo({ value }), valueOf: ({ value }) => value };
      }),
      'millrace raw': asking(async () => {
        const { runtime, actorThat } = await startMillrace();
        const { route, methods } = await rawOf(runtime.spawn(actorThat({})));
        return { ask: (value) => route.ask(methods.echo, { value }, undefined), valueOf: valueIn };
      }),
      nact: asking(async () => {
        const { dispatch, query, spawnStateless, start } = await import('nact');
        const reply = ({ value, from }: { value: number; from: Ref<number> }): void => dispatch(from, value);
        const ref = spawnStateless(start(), reply, 'echo');
        return { ask: (value) => query(ref, (from) => ({ value, from }), 5_000), valueOf: Number };
      }),
      comedy: asking(async () => {
        const root = await startComedy();
        const actor = await root.createChild({ echo: (value: number) => value });
        return { ask: (value) => actor.sendAndReceive('echo', value), valueOf: Number };
      }),
      'EventEmitter + microtask': asking(() => {
        const emitter = new EventEmitter().on('echo', ({ value, reply }: Request) => reply(value));
        return Promise.resolve<Echo<number>>({
          ask: (value) => new Promise((reply) => queueMicrotask(() => emitter.emit('echo', { value, reply }))),
          valueOf: Number,
        });
      }),
      'limit: ring mailbox': asking(() => {
        const actor = new RingActor<Request>(({ value, reply }) => reply(value));
        return Promise.resolve<Echo<number>>({
          ask: (value) => new Promise((reply) => actor.tell({ value, reply })),
          valueOf: Number,
        });
      }),
    },
  };
}

function valueIn(reply: unknown): number {
  return typeof reply === 'object' && reply !== null && 'value' in reply ? Number(reply.value) : Number.NaN;
}
