import { type ContainedComponent, defineComponent } from '#src/index.js';
import { Lane, type Method, type Service } from '#src/protocol/index.js';
import { Errand } from './errands.js';

type Ask = Method<'ask', Errand, Partial<Errand>, Errand, Partial<Errand>>;

const run: Ask = {
  name: 'run',
  fullName: 'simulation.Telling.Run',
  mode: 'ask',
  lane: Lane.data,
  request: Errand,
  response: Errand,
};

/** A request takes as many ms as its `depth`. The answer has the number of requests that the containers have handled one after the other. */
export const Telling: Service<{ readonly run: Ask }> = { typeName: 'simulation.Telling', methods: { run } };

/** Of the run that goes on: how often each request was handled, by its number. There is one run at a time, on one thread. */
export const handled = new Map<number, number>();

/** One version of a component that counts what it handles. */
export function tellerOf(url: string, version: string): ContainedComponent<typeof Telling, unknown> {
  return defineComponent('teller', url, Telling, {
    version,
    created: () => ({ count: 0 }),
    exportState: ({ count }) => Buffer.from(String(count)),
    importState: (kept, state) => void (kept.count = Number(Buffer.from(state))),
    handlers: {
      run: async (kept, { number, depth }, { scheduler }) => {
        handled.set(number, (handled.get(number) ?? 0) + 1);
        await new Promise<void>((resolve) => void scheduler.setTimer(depth, resolve));
        return { number: ++kept.count };
      },
    },
  });
}

export const teller = tellerOf(import.meta.url, '1');
