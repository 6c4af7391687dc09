import { setTimeout } from 'node:timers/promises';
import type { PipelineBuilder } from '#src/actors/runtime/index.js';
import { Row } from '../../actors/runtime/row.js';
import { journal } from './components.js';
import { nextId } from './ids.js';
import { ELEMENTS } from './nodes.js';

const PAUSE_MS = 5;

export interface ParcelsArgs {
  readonly run: string;
}

/** source -> stage -> sink, each element written down at both ends. */
export function declareParcels(builder: PipelineBuilder, { run }: ParcelsArgs): void {
  const rows = builder.source('source', Row, async (output, { signal }) => {
    const attempt = `${run}/${nextId()}`;
    for (let id = 0; id < ELEMENTS && !signal.aborted; id++) {
      await output.write({ id, key: attempt });
      journal.write('wrote', attempt, id);
      await setTimeout(PAUSE_MS);
    }
  });
  const staged = builder.segment('stage', rows, Row, async (input, output) => {
    for await (const row of input) await output.write(row);
  });
  builder.sink('sink', staged, async (input) => {
    for await (const { id, key } of input) journal.write('sank', key, id);
  });
}
