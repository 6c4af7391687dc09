import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FLIGHTS, Folder, messages } from './millrace.js';

describe('the millrace command', function () {
  this.timeout(30_000);
  const folder = new Folder();
  after(() => folder.remove());

  it('helps a newcomer: what there is, exit codes, first steps', async () => {
    for (const words of [[], ['--help'], ['help']]) {
      const { code, stdout, stderr } = await folder.run(words);
      expect(code, stderr).to.equal(0);
      for (const word of ['run', 'gen', 'config', 'topology', 'Exit codes', '130']) {
        expect(stdout).to.include(word);
      }
      // By its path from where the reader is.
      const [, example = 'no example'] = /millrace run (\S*examples\/flights)$/m.exec(stdout) ?? [];
      expect(existsSync(join(folder.path, example, 'package.json')), example).to.equal(true);
    }
  });

  it('names every option of run in its help', async () => {
    const { code, stdout } = await folder.run(['run', '--help']);
    expect(code).to.equal(0);
    const options = 'partitions instances nodes seed latency loss duplicate crash trace json quiet'.split(' ');
    for (const option of options) expect(stdout).to.include(`--${option}`);
    expect(stdout).to.include('Exit codes');
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await folder.run(['--version'])).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  /** Words of the command, and what the one line that answers them includes. */
  const wrong: readonly (readonly [words: string[], includes: string])[] = [
    [['rnu'], 'Did you mean run?'],
    [['nonsense'], 'There are run, sim, replay, gen, config, topology'],
    [['run'], "missing required argument 'module'"],
    [['run', FLIGHTS, 'more'], 'too many arguments'],
    [['run', FLIGHTS, '--sede', '7'], 'Did you mean --seed?'],
    [['run', 'nowhere'], 'There is no module nowhere'],
    [['run', '.'], 'package.json names no module'],
    [['run', 'node_modules'], 'has no package.json'],
    [['run', 'unbuilt'], 'build it first'],
    [['run', 'broken.js'], 'cannot be loaded'],
    [['run', 'empty.js'], 'no pipeline as its default export'],
    [['run', FLIGHTS, '--partitions', '0'], 'package, numa, l3, core, or an integer from 1'],
    [['run', FLIGHTS, '--partitions', 'two'], 'an integer from 1'],
    [['run', FLIGHTS, '--instances', 'tally'], 'SEGMENT=N'],
    [['run', FLIGHTS, '--instances', 'tally=0'], 'SEGMENT=N'],
    [['run', FLIGHTS, '--instances', 'tallly=2'], 'no segment "tallly"; it has read, parse, tally, merge'],
    [['run', FLIGHTS, '--nodes', '1.5'], 'a whole number from 1'],
    [['run', FLIGHTS, '--seed', '-1'], 'a whole number from 0'],
    [['run', FLIGHTS, '--latency', 'fast'], 'milliseconds from 0'],
    [['run', FLIGHTS, '--loss', '1'], 'less than 1'],
    [['run', FLIGHTS, '--duplicate', 'x'], 'less than 1'],
    [['run', FLIGHTS, '--crash', '1@2'], '1@2s, 0@500ms'],
    [['run', FLIGHTS, '--crash', '1@2s'], 'there is no node 1; --nodes 1 has node 0'],
    [['run', FLIGHTS, '--nodes', '3', '--crash', '3@2s'], '--nodes 3 has node 0 to 2'],
    [['run', FLIGHTS, '--trace', 'no/such/folder/trace'], 'trace cannot be written'],
    [['run', FLIGHTS, '--', 'input.json'], '"input.json" is not known'],
    [['run', FLIGHTS, '--', '--out', 'a', '--out', 'b'], '--out is given twice'],
    [['gen', '--out', 'gen'], "missing required argument 'files'"],
    [['gen', 'x.proto'], "required option '--out"],
    [['gen', 'x.proto', '--out', 'gen'], 'x.proto'],
    [['config', '--config', 'nowhere.json'], 'nowhere.json cannot be read'],
    [['topology', '--strategy', 'socket'], 'machine, package, numa, l3, core, count(N)'],
    [['topology', '--cpuset', 'all'], '0-3,8'],
    [['topology', '--xml', 'nowhere.xml'], 'nowhere.xml cannot be read'],
    [['topology', '--xml', 'broken.js'], 'broken.js is not well-formed XML'],
    [['topology', '--xml', 'broken.js', '--synthetic', 'pu:1'], 'cannot be used with'],
    [['topology', '--synthetic', 'pu:1000000'], '16384 is the most'],
  ];

  before(() => {
    folder.write('broken.js', 'export default 1 +;');
    folder.write('empty.js', 'export const nothing = 1;');
    mkdirSync(join(folder.path, 'unbuilt'));
    folder.write('unbuilt/package.json', '{ "millrace": "./dist/main.js" }');
  });

  for (const [words, includes] of wrong) {
    const shown = words.map((word) => (word === FLIGHTS ? 'flights' : word)).join(' ');
    it(`answers "millrace ${shown}" in one line, and starts nothing`, async () => {
      const ended = await folder.run(words);
      expect(ended.code, ended.stderr).to.equal(2);
      expect(messages(ended)).to.have.length(1);
      expect(ended.stderr)
        .to.include(includes)
        .and.not.match(/\n\s+at /);
      expect(ended.stdout).to.equal('');
    });
  }

  it('refuses a wrong option of the environment', async () => {
    const ended = await folder.run(['run', FLIGHTS], { MILLRACE_STREAM_ITEMS: 'many' });
    expect(ended.code).to.equal(2);
    expect(ended.stderr).to.include('streamItems').and.include('many');
  });

  it('prints the stack with --verbose', async () => {
    const { code, stderr } = await folder.run(['--verbose', 'run', 'nowhere']);
    expect(code).to.equal(2);
    expect(stderr).to.match(/\n\s+at /);
  });
});
