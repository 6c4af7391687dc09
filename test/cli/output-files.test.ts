import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { Folder, MAIN, messages } from './millrace.js';

/** The kernel refuses to write more to a file than this: what a full disk does, without a disk. The unit of sh is 512 bytes. */
const BLOCKS = 8;

describe('files that millrace writes beside a run', function () {
  this.timeout(120_000);
  const folder = new Folder();
  folder.writePipeline('many.js', {
    read: 'for (let delay = 0; delay < 1_000; delay++) await output.write({ delay });',
    print: 'let sum = 0; for await (const { delay } of input) sum += delay; console.log(sum);',
  });
  after(() => folder.remove());

  const runWithLittleRoom = (words: readonly string[]) => {
    const command = ['-c', `ulimit -f ${BLOCKS}; exec "$@"`, 'sh', process.execPath, MAIN, 'run', 'many.js', ...words];
    const { status: code, stdout, stderr } = spawnSync('sh', command, { cwd: folder.path, encoding: 'utf8' });
    return { code, stdout, stderr };
  };
  const flags: Readonly<Record<string, readonly string[]>> = {
    'a recording': ['--record', 'short.out'],
    'the recording of a simulation': ['--seed', '1', '--nodes', '2', '--record', 'short.out'],
    'a trace': ['--seed', '1', '--nodes', '2', '--trace', 'short.out'],
  };

  for (const [what, words] of Object.entries(flags)) {
    it(`may fail while it runs: without ${what} the run goes on, and says so once`, () => {
      const ended = runWithLittleRoom(['--quiet', ...words]);
      expect(ended.code, ended.stderr).to.equal(1);
      expect(messages(ended)).to.have.length(1);
      expect(ended.stderr).to.match(/short\.out is incomplete: EFBIG/);
      expect(ended.stderr.trim().split('\n')).to.have.length(1);
      expect(ended.stdout).to.equal('499500\n');
    });
  }

  it('are named in the summary where they are incomplete', () => {
    const { code, stdout } = runWithLittleRoom(['--quiet', '--json', '--record', 'short.out']);
    expect(code).to.equal(1);
    const summary = JSON.parse(stdout) as { result: string; incomplete: readonly { code: string; message: string }[] };
    expect(summary.result).to.equal('ok');
    expect(summary.incomplete.map(({ code: error }) => error)).to.deep.equal(['RESOURCE']);
    expect(summary.incomplete[0]?.message).to.include('short.out');
  });

  it('can be replayed up to where a recording ends', async () => {
    runWithLittleRoom(['--quiet', '--record', 'short.out']);
    const { code, stdout, stderr } = await folder.run(['replay', 'short.out']);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include('events');
  });

  it('are refused before anything starts where not even the header of a recording fits', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const ended = await folder.run(['run', 'many.js', '--quiet', '--record', '/dev/full']);
    expect(ended).to.include({ code: 2, stdout: '' });
    expect(messages(ended)).to.have.length(1);
    expect(ended.stderr).to.include('/dev/full').and.include('ENOSPC');
  });

  it('make a simulation of a workload fail where its trace is incomplete', async function () {
    if (!existsSync('/dev/full')) this.skip();
    folder.write(
      'calm.js',
      `import { workload } from 'millrace/simulation';
export default workload('calm', { sizes: { nodes: [1, 1] }, faults: {}, run: async () => {} });
`,
    );
    const ended = await folder.run(['sim', 'calm.js', '--seed', '1', '--quiet', '--trace', '/dev/full']);
    expect(ended.code, ended.stderr).to.equal(1);
    expect(ended.stderr).to.include('The trace /dev/full is incomplete: ENOSPC');
  });
});
