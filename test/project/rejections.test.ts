import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

describe('a promise that a test rejects and nobody handles', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-rejections-'));
    const good = "it('is well', () => {});";
    const bad = "it('is not well', async () => { Promise.reject(new Error('nobody handles this')); });";
    for (const [name, text] of Object.entries({ a: good, b: bad, c: good })) {
      await writeFile(join(folder, `${name}.test.cjs`), text);
    }
  });

  afterEach(() => rm(folder, { recursive: true }));

  for (const [kind, options] of [
    ['one after the other', []],
    ['in parallel', ['--parallel', '--jobs', '2']],
    ['in parallel in one process', ['--parallel', '--jobs', '1']],
  ] as const) {
    it(`fails the run, where files of tests run ${kind}`, async () => {
      const { code, output } = await mocha([...options, '--reporter', 'spec', join(folder, '*.test.cjs')]);
      expect(output).to.include('1 failing').and.include('nobody handles this');
      expect(code).to.equal(1);
    }).timeout(120_000);
  }
});

function mocha(args: readonly string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['node_modules/mocha/bin/mocha.js', ...args], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}
