// A process that persists events until it is killed: `node persister.js FOLDER FIRST` prints a line with all that it has recovered, and
// then each event that was acknowledged.
import { writeSync } from 'node:fs';
import { configurePersistence, dispatch, messages, query, type Ref, spawnPersistent } from '#src/actors/nact/index.js';
import { LevelEngine } from '#src/actors/persistence/level/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';

interface Msg {
  readonly event?: number;
  readonly sender?: Ref<readonly number[]>;
}

const [folder = '', first = '0'] = process.argv.slice(2);
const runtime = await Runtime.start({ log: silentLogger });
configurePersistence(await LevelEngine.open(folder))(runtime);

const actors = ['one', 'two', 'three'].map((key) =>
  spawnPersistent(
    runtime,
    async (events: readonly number[], msg: Msg, ctx) => {
      if (msg.event !== undefined && !ctx.recovering) await ctx.persist({ event: msg.event });
      const next = msg.event === undefined ? events : [...events, msg.event];
      if (msg.sender !== undefined) dispatch(msg.sender, next);
      return next;
    },
    key,
    key,
    { initialState: [], snapshotEvery: 20 * messages },
  ),
);

const ask = (actor: Ref<Msg>, msg: Msg): Promise<readonly number[]> =>
  query(actor, (sender: Ref<readonly number[]>) => ({ ...msg, sender }), 10_000);

say({ recovered: await Promise.all(actors.map((actor) => ask(actor, {}))) });
await Promise.all(
  actors.map(async (actor, index) => {
    for (let number = Number(first); ; number++) {
      await ask(actor, { event: number });
      say({ acknowledged: [index, number] });
    }
  }),
);

/** At once: the line is in the pipe when this returns. */
function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
