/** A pipeline over three processes that counts: its source waits halfway until a file is there, and its sink writes files into the same folder. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pipeline } from '#src/actors/runtime/index.js';
import { Row } from '../../actors/runtime/row.js';

export interface CountingArgs {
  readonly folder: string;
  readonly count: number;
}

/** Written by the sink when it has a quarter of all rows. */
export const QUARTER = 'quarter';
/** The source goes on when it is there. */
export const GO = 'go';
/** What the sink has counted. */
export const RESULT = 'result';

export interface Counted {
  readonly rows: number;
  readonly sum: number;
}

export default pipeline<CountingArgs>('counting', import.meta.url, (builder, { folder, count }) => {
  const rows = builder.source('read', Row, {}, async (output, { signal }) => {
    for (let id = 0; id < count; id++) {
      await output.write({ id });
      while (id === count / 2 && !existsSync(join(folder, GO))) await setTimeout(10, undefined, { signal });
    }
  });
  const doubled = builder.segment('double', rows, Row, {}, async (input, output) => {
    for await (const { id } of input) await output.write({ id: 2 * id });
  });
  builder.sink('count', doubled, {}, async (input) => {
    let [read, sum] = [0, 0];
    for await (const { id } of input) {
      sum += id;
      if (++read === count / 4) writeFileSync(join(folder, QUARTER), '');
    }
    const result: Counted = { rows: read, sum };
    writeFileSync(join(folder, RESULT), JSON.stringify(result));
  });
});
