import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lackingUcx } from '../../transport/ucx/available.js';

const TROUBLE = new URL('trouble.js', import.meta.url).href;
const subjects = ['millrace typed (unix)', 'millrace typed (unix, threads)'];
if (lackingUcx() === undefined) subjects.push('millrace typed (ucx)', 'millrace typed (ucx, threads)');

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stderr: string;
  readonly rows: readonly unknown[];
}

describe('a benchmark of links whose far end', function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });

  afterEach(() => {
    expect(processesIn(folder)).to.deep.equal([]);
    expect(readdirSync(folder).filter((name) => !name.endsWith('.json'))).to.deep.equal([]);
    rmSync(folder, { recursive: true });
  });

  /** Subjects side by side, each in a benchmark of its own. */
  const bench = (measured: readonly string[], trouble: string, ...more: string[]): Promise<Ended[]> =>
    Promise.all(
      measured.map((subject) => {
        const file = join(folder, `${subject}.json`);
        const args = ['transport', '--only', 'one-way', '--subject', subject, '--json', file, ...more];
        const env = { ...process.env, TMPDIR: folder, TROUBLE: trouble, NODE_OPTIONS: `--import=${TROUBLE}` };
        return new Promise<Ended>((resolve) => {
          execFile(
            process.execPath,
            ['build/bench/main.js', ...args],
            { env, encoding: 'utf8' },
            (error, _, stderr) => {
              const rows = JSON.parse(readFileSync(file, 'utf8')) as unknown[];
              resolve({ code: error === null ? 0 : error.code, stderr, rows });
            },
          );
        });
      }),
    );

  for (const [trouble, expected, ...args] of [
    ['does not come up', /FarEndError: The far end has .*no luck/s, '--quick'],
    ['dies', /FarEndError: The far end has (ended with SIGKILL|failed: Error: a bad day)|UnreachableError: /],
    ['hangs', /silent for 2 s/, '--patience', '2'],
  ] as const) {
    it(`${trouble}, fails and says so`, async () => {
      for (const { code, stderr, rows } of await bench(subjects, trouble, ...args)) {
        expect({ code, rows }, stderr).to.deep.equal({ code: 1, rows: [] });
        expect(stderr)
          .to.match(/^bench: one-way, millrace typed/)
          .and.match(expected);
      }
    });
  }

  it('hangs, and is that of another library, has rows that say so', async () => {
    const [ended] = await bench(['node:net (unix)'], 'hangs', '--patience', '2');
    expect(ended?.code, ended?.stderr).to.equal(0);
    expect(ended?.rows).to.deep.include({
      question: 'one-way',
      subject: 'node:net (unix)',
      size: '64 B',
      metric: 'messages received',
      unit: 'thousand a second',
      median: null,
      min: null,
      max: null,
      runs: 0,
      note: 'silent for 2 s',
    });
  });

  it('does not end, ends with it', async () => {
    for (const { code, stderr, rows } of await bench(subjects, 'does not end', '--quick')) {
      expect({ code, rows: rows.length }, stderr).to.deep.equal({ code: 0, rows: 10 });
    }
  });
});

/** Whose temporary files lie in a folder. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`=${folder}`);
    } catch {
      return false;
    }
  });
}
