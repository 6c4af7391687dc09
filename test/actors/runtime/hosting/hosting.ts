import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  Executor,
  type Pipeline,
  type Placement,
  type RunOptions,
  type Runtime,
  type RuntimeOptions,
} from '#src/actors/runtime/index.js';
import { limits } from '#src/limits.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { NOTHING_LEFT } from '../cluster.js';
import { chosenPlacements, inProcesses } from '../worlds.js';
import type { FarArgs, Note } from './far-flow.js';

export type FarPlacement = Exclude<Placement, 'inline'>;

/** A runtime whose partitions, but for the first, are hosted; and a folder for what its segments write down. */
export class Hosting {
  readonly placement: FarPlacement;
  readonly log: readonly LogRecord[];
  readonly executor: Executor;
  readonly folder: string;

  constructor(placement: FarPlacement, { linkDeadMs = limits.linkDeadMs }: { readonly linkDeadMs?: number } = {}) {
    this.placement = placement;
    this.folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    const log = memoryLogger();
    this.log = log.records;
    this.executor = new Executor({ log, linkDeadMs, net: { socketFolder: this.folder } });
  }

  start(options: RuntimeOptions = {}): Promise<Runtime> {
    // Other threads and processes answer late on a busy machine.
    const kernelLimits = { askTimeoutMs: 30_000, ...options.kernelLimits };
    return this.executor.start({ placement: this.placement, system: { partitions: 2 }, ...options, kernelLimits });
  }

  run(
    runtime: Runtime,
    pipeline: Pipeline<FarArgs>,
    args: Omit<FarArgs, 'notes'>,
    options: Omit<RunOptions<FarArgs>, 'args'> = {},
  ) {
    return runtime.run(pipeline, { args: { notes: this.file('notes'), ...args }, ...options });
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** In the order in which they were written. */
  allNotes(): Note[] {
    const file = this.file('notes');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Note);
  }

  notes(what: Note['what']): Note[] {
    return this.allNotes().filter((note) => note.what === what);
  }

  ids(what: Note['what']): number[] {
    return this.notes(what).map(({ id = -1 }) => id);
  }

  async stop(): Promise<void> {
    await this.executor.stop();
    for (const { leftovers } of this.executor.started) {
      expect(leftovers).to.deep.equal(NOTHING_LEFT);
    }
    expect(this.executor.scheduler.pendingTimers).to.equal(0);
    expect(readdirSync(this.folder).filter((name) => name.startsWith('millrace-link'))).to.deep.equal([]);
    rmSync(this.folder, { recursive: true });
  }
}

const HOSTED = [
  { placement: 'thread', where: 'with partitions on threads' },
  { placement: 'process', where: inProcesses },
] as const;

/** Declares the same tests for partitions on threads and in processes, or for one of these. */
export function describeHosting(
  title: string,
  declare: (hosting: () => Hosting) => void,
  options: { readonly linkDeadMs?: number; readonly everywhere?: boolean; readonly only?: FarPlacement } = {},
): void {
  const { everywhere, only } = options;
  const kinds = HOSTED.filter(({ placement }) => only === undefined || placement === only);
  for (const { placement, where } of chosenPlacements(kinds, everywhere ?? only !== undefined)) {
    describe(`${title}, ${where}`, function () {
      this.timeout(120_000);
      let hosting: Hosting;
      beforeEach(() => {
        hosting = new Hosting(placement, options);
      });
      afterEach(async function () {
        if (this.currentTest?.state === 'failed') {
          for (const { level, message, fields } of hosting.log) {
            if (level !== 'debug') console.error(`        ${level} ${message} ${JSON.stringify(fields)}`);
          }
        }
        await hosting.stop();
      });
      declare(() => hosting);
    });
  }
}
