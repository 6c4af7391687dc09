import { EventEmitter } from 'node:events';
import type { Ref } from 'nact';
import type { Number as Reply } from '../gen/bench.js';
import type { Effort, Measure, Question } from '../harness/question.js';
import { rate, type Work } from '../harness/rate.js';
import { startComedy } from './comedy.js';
import { rawOf, startMillrace } from './millrace.js';
import { RingActor } from './ring-mailbox.js';
import { oneByOne, pipelined } from './work.js';

type Pattern = (ask: (value: number) => Promise<number>) => Work;
type Asked = (effort: Effort) => Promise<Measure>;

interface Request {
  readonly value: number;
  readonly reply: (value: number) => void;
}

/** Asking an echo, one ask after the other. */
export const ask: Question = asks('ask', 'one at a time', oneByOne);

/** Asking an echo, with many asks under way. */
export const askPipelined: Question = asks('ask-pipelined', '64 in flight', pipelined);

function asks(slug: string, size: string, pattern: Pattern): Question {
  const echo: Record<string, Asked> = {
    'millrace typed': async (effort) => {
      const { runtime, actorThat } = await startMillrace();
      const ref = runtime.spawn(actorThat({}));
      return rate(
        effort,
        pattern(async (value) => (await ref.echo({ value })).value),
      );
    },
    'millrace raw': async (effort) => {
      const { runtime, actorThat } = await startMillrace();
      const { route, methods } = await rawOf(runtime.spawn(actorThat({})));
      return rate(
        effort,
        pattern(async (value) => {
          const reply = await route.ask(methods.echo, { value }, undefined);
          return isNumber(reply) ? reply.value : Number.NaN;
        }),
      );
    },
    nact: async (effort) => {
      const { dispatch, query, spawnStateless, start } = await import('nact');
      const ref = spawnStateless(
        start(),
        (m: { value: number; from: Ref<number> }) => dispatch(m.from, m.value),
        'echo',
      );
      return rate(
        effort,
        pattern((value) => query(ref, (from) => ({ value, from }), 5_000)),
      );
    },
    comedy: async (effort) => {
      const root = await startComedy();
      const actor = await root.createChild({ echo: (value: number) => value });
      return rate(
        effort,
        pattern(async (value) => Number(await actor.sendAndReceive('echo', value))),
      );
    },
    'EventEmitter + microtask': (effort) => {
      const emitter = new EventEmitter().on('echo', ({ value, reply }: Request) => reply(value));
      return rate(
        effort,
        pattern((value) => new Promise((reply) => queueMicrotask(() => emitter.emit('echo', { value, reply })))),
      );
    },
    'limit: ring mailbox': (effort) => {
      const actor = new RingActor<Request>(({ value, reply }) => reply(value));
      return rate(
        effort,
        pattern((value) => new Promise((reply) => actor.tell({ value, reply }))),
      );
    },
  };
  return {
    slug,
    metric: 'asks answered',
    unit: 'M/s',
    isMoreBetter: true,
    sizes: [size],
    peer: 'nact',
    subjects: echo,
  };
}

function isNumber(reply: unknown): reply is Reply {
  return typeof reply === 'object' && reply !== null && 'value' in reply;
}
