import { defineComponent } from '#src/index.js';
import { Lane, type Method, type Service } from '#src/protocol/index.js';
import { Errand } from './errands.js';

type Ask = Method<'ask', Errand, Partial<Errand>, Errand, Partial<Errand>>;
type Tell = Method<'tell', Errand, Partial<Errand>, Errand, Partial<Errand>>;
type Stream = Method<'stream', Errand, Partial<Errand>, Errand, Partial<Errand>>;

const of = { lane: Lane.data, request: Errand, response: Errand } as const;
const run: Ask = { name: 'run', fullName: 'simulation.Carrying.Run', mode: 'ask', ...of };
const push: Tell = { name: 'push', fullName: 'simulation.Carrying.Push', mode: 'tell', ...of };
const list: Stream = { name: 'list', fullName: 'simulation.Carrying.List', mode: 'stream', ...of };

/** A request takes as many ms as its `depth`; a stream has as many elements, one each ms. */
export const Carrying: Service<{ readonly run: Ask; readonly push: Tell; readonly list: Stream }> = {
  typeName: 'simulation.Carrying',
  methods: { run, push, list },
};

/** Of the run that goes on: how often each request was handled, by its number. There is one run at a time, on one thread. */
export const carried = new Map<number, number>();

function count(number: number): void {
  carried.set(number, (carried.get(number) ?? 0) + 1);
}

export const carrier = defineComponent('carrier', import.meta.url, Carrying, {
  handlers: {
    run: async (_kept, { number, depth }, { scheduler }) => {
      count(number);
      await new Promise<void>((resolve) => void scheduler.setTimer(depth, resolve));
      return { number };
    },
    push: (_kept, { number }) => count(number),
    list: async function* (_kept, { number, depth }, { scheduler }) {
      count(number);
      for (let index = 0; index < depth; index++) {
        await new Promise<void>((resolve) => void scheduler.setTimer(1, resolve));
        yield { number: index };
      }
    },
  },
});
