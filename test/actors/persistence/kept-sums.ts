import { persistent } from '#src/actors/persistence/index.js';
import { type LazyLevelEngine, LevelEngine } from '#src/actors/persistence/level/index.js';
import { component } from '#src/actors/runtime/index.js';
import { Errands } from '../runtime/errand-runner.js';
import { Row } from '../runtime/row.js';

/** Those of this thread, by their folders. */
export const engines = new Map<string, LazyLevelEngine>();

function engineIn(folder: string): LazyLevelEngine {
  const engine = engines.get(folder) ?? LevelEngine.lazy(folder, { sync: false });
  engines.set(folder, engine);
  return engine;
}

/** Adds up what it is asked for, and keeps it in a folder. */
export const keptSums = component('kept-sums', import.meta.url, Errands, ({ folder }: { readonly folder: string }) =>
  persistent<typeof Errands, { readonly sum: number }, Row, Partial<Row>>(Errands, {
    id: 'sums',
    events: Row,
    state: () => ({ sum: 0 }),
    apply: ({ sum }, { id }) => ({ sum: sum + id }),
    engine: engineIn(folder),
    supervision: { onFailure: 'restart', maxRestarts: 1 },
    push: () => {},
    urge: () => {},
    run: async (_state, { value }, ctx) => ({ value: (await ctx.persist({ id: value })).sum }),
    rush: ({ sum }) => ({ value: sum }),
    async *list() {},
  }),
);
