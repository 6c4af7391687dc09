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
  it('may fail while it runs: without a recording the run goes on, says so once, and the recording can be replayed up to its end', async () => {
    const ended = runWithLittleRoom(['--quiet', '--record', 'short.out']);
    expect(ended.code, ended.stderr).to.equal(1);
    expect(messages(ended)).to.have.length(1);
    expect(ended.stderr).to.match(/short\.out is incomplete: EFBIG/);
    expect(ended.stderr.trim().split('\n')).to.have.length(1);
    expect(ended.stdout).to.equal('499500\n');
    const { code, stdout, stderr } = await folder.ask(['replay', 'short.out']);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include('events');
  });

  it('may fail while a simulation runs: each that is incomplete is named once, and in the summary', () => {
    const files = ['--trace', 'trace.out', '--record', 'record.out'];
    const ended = runWithLittleRoom(['--quiet', '--json', '--seed', '1', '--nodes', '2', ...files]);
    expect(ended.code, ended.stderr).to.equal(1);
    expect(messages(ended)).to.have.length(2);
    expect(ended.stderr)
      .to.match(/trace\.out is incomplete: EFBIG/)
      .and.match(/record\.out is incomplete: EFBIG/);
    expect(ended.stderr).to.include('499500\n');
    const summary = JSON.parse(ended.stdout) as {
      result: string;
      incomplete: readonly { code: string; message: string }[];
    };
    expect(summary.result).to.equal('ok');
    expect(summary.incomplete.map(({ code }) => code)).to.deep.equal(['RESOURCE', 'RESOURCE']);
    expect(summary.incomplete[0]?.message).to.include('trace.out');
    expect(summary.incomplete[1]?.message).to.include('record.out');
  });

  it('are refused before anything starts where not even the header of a recording fits', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const ended = await folder.ask(['run', 'many.js', '--quiet', '--record', '/dev/full']);
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
    const ended = await folder.ask(['sim', 'calm.js', '--seed', '1', '--quiet', '--trace', '/dev/full']);
    expect(ended.code, ended.stderr).to.equal(1);
    expect(ended.stderr).to.include('The trace /dev/full is incomplete: ENOSPC');
  });
});
