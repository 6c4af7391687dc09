import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Placement, Runtime } from '#src/actors/runtime/index.js';
import type { ResourceError } from '#src/errors.js';
import { ConfigError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import {
  actorNamed,
  readRecordingFile,
  recordedActors,
  Recorder,
  RecordingFile,
  replay,
} from '#src/recording/index.js';
import { Errands } from '../actors/transport/errands.js';
import { rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';
import { chosenPlacements } from '../actors/runtime/worlds.js';
import { ending, placedEnding, placedOnFullDisk, placedSum, summing } from './summing.js';

const worlds: readonly {
  readonly title: string;
  readonly placement: Exclude<Placement, 'inline'>;
  readonly on: 'threads' | 'processes';
}[] = [
  { title: 'on a thread', placement: 'thread', on: 'threads' },
  { title: 'in a process', placement: 'process', on: 'processes' },
];

for (const { title, placement, on } of chosenPlacements(worlds, true)) {
  describe(`a recorded actor that is placed ${title}`, function () {
    this.timeout(60_000);
    let folder = '';
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'millrace-recording-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const newFile = (failures: ResourceError[] = []): RecordingFile =>
      new RecordingFile(join(folder, 'sum.rec'), {
        actors: ['sum'],
        millraceVersion: '0.0.0',
        onFailure: (failure) => void failures.push(failure),
      });
    const start = (file: RecordingFile): Promise<Runtime> =>
      Runtime.start({ placement, partitions: 2, interceptor: file.recorder, log: silentLogger });

    it('is in a file of its partition, and does the same again alone', async () => {
      const file = newFile();
      const runtime = await start(file);
      const ref = await runtime.place(placedSum, { args: { start: 10 }, name: 'sum' });
      ref.push({ value: 3 });
      expect((await ref.run({})).value).to.equal(13);
      await runtime.stop();
      file.close();
      expect(file.failure).to.equal(undefined);
      expect(readdirSync(folder).toSorted()).to.deep.equal(['sum.rec', 'sum.rec.1']);
      const recording = readRecordingFile(join(folder, 'sum.rec'));
      expect(recording).to.deep.include({ missing: [], cutBytes: 0 });
      expect(recording.parts.map(({ number }) => number)).to.deep.equal([1]);
      const { events, path } = actorNamed(recording, 'sum');
      expect(path).to.match(/-1\/sum$/);
      expect(events.filter(({ event }) => event.case === 'message')).to.have.length(2);
      expect(await replay(summing(10), events)).to.equal(undefined);
      expect(await replay(summing(10, 1), events)).to.have.nested.property('recorded.case', 'outcome');
    });

    it('is complete up to the end of a partition that fails, and goes on in another file when that begins anew', async () => {
      const file = newFile();
      const runtime = await start(file);
      const first = await runtime.place(placedEnding, { on, args: { start: 10 }, name: 'sum', register: 'sum' });
      expect((await first.run({})).value).to.equal(10);
      first.push({ value: 99 });
      await eventually(async () => {
        const next = await runtime.lookup(Errands, 'sum');
        return next.toRef().cUid !== first.toRef().cUid;
      });
      expect((await (await runtime.lookup(Errands, 'sum')).run({})).value).to.equal(10);
      await runtime.stop();
      file.close();
      const path = join(folder, 'sum.rec');
      const [ended, anew] = recordedActors(readRecordingFile(path));
      expect(anew?.path).to.equal(ended?.path);
      expect([ended?.file, anew?.file]).to.deep.equal([`${path}.1`, `${path}.2`]);
      expect(() => actorNamed(readRecordingFile(path), 'sum')).to.throw(
        ConfigError,
        `: ${ended?.path}#1 (in ${path}.1), ${anew?.path}#2 (in ${path}.2).`,
      );
      expect(actorNamed(readRecordingFile(path), 'sum#2').events.length).to.equal(anew?.events.length);
      expect(actorNamed(readRecordingFile(`${path}.2`), 'sum').events.length).to.equal(anew?.events.length);
      const last = ended?.events.at(-1)?.event;
      expect(last?.case === 'message' && last.value.method).to.equal(Errands.methods.push.fullName);
      expect(await replay(ending(10), anew?.events ?? [])).to.equal(undefined);
    });

    it('is never taken from the file of an earlier run', async () => {
      const [path, part, earlier] = ['sum.rec', 'sum.rec.1', 'earlier'].map((name) => join(folder, name));
      if (path === undefined || part === undefined || earlier === undefined) throw new Error('no names');
      const ended = async (): Promise<void> => {
        const file = newFile();
        const runtime = await start(file);
        await runtime.place(placedSum, { args: { start: 10 }, name: 'sum' });
        await runtime.stop();
        file.close();
      };
      await ended();
      copyFileSync(part, earlier);
      // The partition of this run has none: it does not come up.
      const file = newFile();
      file.recorder.elsewhere?.settings();
      file.close();
      expect(existsSync(part), 'the file of the earlier run').to.equal(false);
      copyFileSync(earlier, part);
      const { events, missing } = readRecordingFile(path);
      expect(events).to.deep.equal([]);
      expect(missing).to.deep.equal([`${part} is of another run: this run's partition has written no recording.`]);
      await ended();
      expect(readRecordingFile(path).missing).to.deep.equal([]);
    });

    it('runs without a recording where that cannot be written, which the program learns', async function () {
      if (!existsSync('/dev/full')) this.skip();
      symlinkSync('/dev/full', join(folder, 'sum.rec.1'));
      const failures: ResourceError[] = [];
      const file = newFile(failures);
      const runtime = await start(file);
      const ref = await runtime.place(placedSum, { args: { start: 10 }, name: 'sum' });
      expect((await ref.run({})).value).to.equal(10);
      await eventually(() => failures.length === 1);
      await runtime.stop();
      file.close();
      expect(file.failure).to.equal(failures[0]);
      expect(failures[0]?.message).to.include('sum.rec.1 is incomplete: ENOSPC');
      unlinkSync(join(folder, 'sum.rec.1'));
      expect(readRecordingFile(join(folder, 'sum.rec')).missing).to.have.length(1);
    });

    it('is known to be incomplete where the disk says so only when its partition ends', async () => {
      const failures: ResourceError[] = [];
      const file = newFile(failures);
      const runtime = await start(file);
      const ref = await runtime.place(placedOnFullDisk, { on, args: { start: 10 }, name: 'sum' });
      expect((await ref.run({})).value).to.equal(10);
      expect(file.failure).to.equal(undefined);
      await runtime.stop();
      file.close();
      expect(file.failure).to.equal(failures[0]);
      expect(failures.map(({ message }) => message).join()).to.include('sum.rec.1 is incomplete: ENOSPC');
    });

    it('is not recorded any more where its partition starts after the file was closed', async () => {
      const file = newFile();
      file.close();
      const runtime = await start(file);
      const ref = await runtime.place(placedSum, { args: { start: 10 }, name: 'sum' });
      expect((await ref.run({})).value).to.equal(10);
      await runtime.stop();
      expect(readdirSync(folder)).to.deep.equal(['sum.rec']);
      expect(readRecordingFile(join(folder, 'sum.rec'))).to.deep.include({ parts: [], events: [], missing: [] });
      expect(file.failure).to.equal(undefined);
    });

    it('is refused where the recorder cannot reach it', async () => {
      const recorder = new Recorder({ actors: ['sum'], write: () => {}, header: {} });
      const options = { placement, partitions: 2, log: silentLogger } as const;
      const kept = await rejection(Runtime.start({ ...options, interceptor: recorder }));
      expect(kept).to.be.instanceOf(ConfigError).with.property('message').that.includes('RecordingFile');
      const file = newFile();
      const bundled = { ...options, interceptor: file.recorder, partitionProgram: '/partition.js' };
      const refused = await rejection(Runtime.start(bundled));
      file.close();
      expect(refused).to.be.instanceOf(ConfigError).with.property('message').that.includes('bundle');
    });
  });
}
