// As persister.js, with typed actors, whose events are protobuf messages: `node typed-persister.js FOLDER FIRST`.
import { writeSync } from 'node:fs';
import { configurePersistence, persistent } from '#src/actors/persistence/index.js';
import { LevelEngine } from '#src/actors/persistence/level/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { Worker } from '../actors/kernel/shop.js';
import { Row } from '../actors/runtime/row.js';

const [folder = '', first = '0'] = process.argv.slice(2);
const runtime = await Runtime.start({ log: silentLogger });
configurePersistence(await LevelEngine.open(folder))(runtime);

/** The state is a message, too: its key has the numbers of all events. */
const numbers = persistent(Worker, {
  id: (ctx) => ctx.name,
  events: Row,
  state: () => Row.create(),
  apply: ({ key }, { id }) => Row.create({ id, key: key === '' ? String(id) : `${key} ${id}` }),
  snapshot: Row,
  snapshotEvery: 20,
  push: () => {},
  work: async (_state, { value }, ctx) => ({ value: (await ctx.persist({ id: value })).id }),
  on: { started: ({ key }, ctx) => void recovered.set(ctx.name, key === '' ? [] : key.split(' ').map(Number)) },
});

const recovered = new Map<string, readonly number[]>();
const names = ['one', 'two', 'three'];
const actors = names.map((name) => runtime.spawn(numbers, { name }));

while (recovered.size < names.length) await new Promise((resolve) => setImmediate(resolve));
say({ recovered: names.map((name) => recovered.get(name)) });
await Promise.all(
  actors.map(async (actor, index) => {
    for (let number = Number(first); ; number++) {
      await actor.work({ value: number }, { timeoutMs: 30_000 });
      say({ acknowledged: [index, number] });
    }
  }),
);

/** At once: the line is in the pipe when this returns. */
function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
