import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);

const messaging = [
  'millrace typed',
  'millrace raw',
  'nact',
  'comedy',
  'EventEmitter + microtask',
  'limit: ring mailbox',
];
const populations = ['millrace typed', 'nact', 'comedy', 'XState machine', 'EventEmitter', 'limit: ring mailbox'];
const codecs = ['millrace typed', 'protobufjs static', 'protobufjs reflection', 'protobuf-es', 'JSON', 'v8.serialize'];

/** What each suite promises: question -> subjects. */
const promises: Record<string, Record<string, string[]>> = {
  kernel: {
    'tell-batch': [...messaging, 'XState machine', 'XState transition'],
    ask: messaging,
    'ask-pipelined': messaging,
    spawn: populations,
    'idle-actor': populations,
    ring: messaging.filter((subject) => subject !== 'millrace raw'),
  },
  codec: { encode: codecs, decode: codecs },
  start: {
    start: ['millrace typed', 'millrace typed, logging', 'nact', 'comedy'],
    import: ['millrace typed', 'nact', 'comedy', 'XState', 'limit: an empty module'],
    'idle-cpu': ['millrace typed', 'millrace typed, 4 partitions', 'nact', 'comedy', 'limit: Node alone'],
  },
};
const sizes: Record<string, number> = { 'idle-actor': 2, encode: 6, decode: 6 };

interface Row {
  readonly question: string;
  readonly subject: string;
  readonly size: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

describe('npm run bench', function () {
  this.timeout(120_000);
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  for (const [suite, questions] of Object.entries(promises)) {
    it(`${suite} prints a table for each question, and writes every promised row`, async () => {
      const file = join(folder, `${suite}.json`);
      const { stdout } = await bench(suite, '--quick', '--json', file);
      const rows = JSON.parse(await readFile(file, 'utf8')) as Row[];
      const found: Record<string, string[]> = {};
      for (const row of rows) {
        (found[row.question] ??= []).push(row.subject);
        expect(Object.keys(row)).to.deep.equal([
          'question',
          'subject',
          'size',
          'metric',
          'unit',
          'median',
          'min',
          'max',
          'runs',
        ]);
        expect(row.median, row.question).to.be.within(row.min, row.max);
        expect(row.runs).to.equal(1);
      }
      for (const [question, subjects] of Object.entries(questions)) {
        const expected = subjects.flatMap((subject) => Array.from({ length: sizes[question] ?? 1 }, () => subject));
        expect(found[question]?.toSorted(), question).to.deep.equal(expected.toSorted());
        expect(stdout).to.include(`### ${question}: `);
      }
      expect(Object.keys(found)).to.have.members(Object.keys(questions));
    });
  }

  it('asks one question where only one is wanted', async () => {
    const { stdout } = await bench('start', '--quick', '--only', 'import');
    expect(stdout.match(/^### \w+/gm)).to.deep.equal(['### import']);
  });

  for (const wrong of [[], ['nothing'], ['kernel', 'codec'], ['kernel', '--fast'], ['codec', '--only', 'ask']]) {
    it(`refuses "${wrong.join(' ')}", and says what it takes`, async () => {
      const failure = await bench(...wrong).then(
        () => undefined,
        (error: unknown) => error as { readonly code: number; readonly stderr: string },
      );
      expect(failure?.code).to.equal(2);
      expect(failure?.stderr)
        .to.match(/^bench: /)
        .and.include('usage: npm run bench');
    });
  }
});

function bench(...args: string[]) {
  return run(process.execPath, ['build/bench/main.js', ...args], { encoding: 'utf8' });
}
