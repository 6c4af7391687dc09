import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { optionTable } from '#src/options/index.js';
import { type Ended, FLIGHTS, Folder, MAIN, messages } from './millrace.js';

describe('the millrace command', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());

  it('helps a newcomer: what there is, exit codes, first steps', async () => {
    for (const words of [[], ['--help'], ['help']]) {
      const { code, stdout, stderr } = await folder.ask(words);
      expect(code, stderr).to.equal(0);
      for (const word of ['run', 'gen', 'config', 'topology', 'Exit codes', '130']) {
        expect(stdout).to.include(word);
      }
    }
  });

  it('names only modules that the reader has, by their path from the folder of the reader', async () => {
    for (const words of [['--help'], ['run', '--help']]) {
      const { stdout } = await folder.ask(words);
      const examples = [...stdout.matchAll(/^ {2}millrace run ([^-\s]\S*)/gm)].map(([, module = '']) => module);
      expect(examples, stdout).to.have.length.above(1);
      for (const module of examples) expect(resolve(folder.path, module)).to.equal(FLIGHTS);
    }
  });

  it('names every option of run in its help', async () => {
    const { code, stdout } = await folder.ask(['run', '--help']);
    expect(code).to.equal(0);
    const options = 'partitions instances nodes seed latency loss duplicate crash trace json quiet'.split(' ');
    for (const option of options) expect(stdout).to.include(`--${option}`);
    expect(stdout).to.include('Exit codes');
  });

  it('lists what each option accepts, and what the exit codes of each command mean', async () => {
    const { partitions, placement } = optionTable;
    const help = async (command: string): Promise<string> =>
      (await folder.ask([command, '--help'])).stdout.replaceAll(/\s+/g, ' ');
    expect(await help('run'))
      .to.include(partitions.accepts)
      .and.include(placement.accepts)
      .and.include('machine');
    const failed = { run: '1 the pipeline failed', sim: '1 a seed failed', replay: '1 a difference was found' };
    for (const [command, text] of Object.entries(failed)) expect(await help(command)).to.include(text);
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await folder.run(['--version'])).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  /** Words of the command, and what the one line that answers them includes. */
  const wrong: readonly (readonly [words: string[], includes: string])[] = [
    [['rnu'], 'Did you mean run?'],
    [['rnu', '--help'], 'Did you mean run?'],
    [['nonsense'], 'There are run, up, dev, deploy, join, ps, stop'],
    [['nonsense', 'x', '--y'], 'gen, config, topology, doctor, help'],
    [['help', 'nonsense'], 'There are run'],
    [['help', 'rnu'], 'Did you mean run?'],
    [[''], "unknown command ''"],
    [['RUN', FLIGHTS], 'Did you mean run?'],
    [['--nonsense'], "unknown option '--nonsense'"],
    [['-x', 'run'], "unknown option '-x'"],
    [['config', '--', 'more'], "too many arguments for 'config'"],
    [['config', '--jsn'], 'Did you mean --json?'],
    [['config', '--config'], 'argument missing'],
    [['config', '--config', '.'], 'it is a folder'],
    [['topology', 'more'], 'too many arguments'],
    [['run', ''], "There is no module ''"],
    [['run', 'no where'], "There is no module 'no where'"],
    [['run', '--', 'x.js'], "missing required argument 'module'"],
    [['run', FLIGHTS, '--quiet=1'], 'Did you mean --quiet?'],
    [['run', FLIGHTS, '--record'], 'argument missing'],
    [['run', FLIGHTS, '--record', 'no/such/folder/x'], 'no/such/folder/x'],
    [['run', FLIGHTS, '--record-actors', 'x'], 'needs --record FILE'],
    [['run', FLIGHTS, '--', '--inptu', 'x'], 'Did you mean --input?'],
    [['run', FLIGHTS, '--', '-x'], '"-x" is not known'],
    [['run', FLIGHTS, '--seed', '1', '--placement', 'process'], 'leave out one of them'],
    [['sim'], "missing required argument 'modules'"],
    [['sim', 'nowhere.js'], 'There is no module nowhere.js'],
    [['sim', 'empty.js'], 'no workload as its default export'],
    [['sim', 'empty.js', '--seeds', '5..1'], 'FROM..TO'],
    [['replay'], "missing required argument 'file'"],
    [['replay', 'nowhere'], 'nowhere cannot be read'],
    [['replay', '.'], '. cannot be read: it is a folder'],
    [['replay', '/dev/zero'], '/dev/zero cannot be read: it is not a regular file'],
    [['replay', ''], 'The recording "" cannot be read: the name of the file is empty'],
    [['run', '/dev/zero'], 'The module /dev/zero is not a regular file'],
    [['gen', '/dev/zero', '--out', 'gen'], '/dev/zero cannot be read: it is not a regular file'],
    [['config', '--config', '/dev/zero'], '/dev/zero cannot be read: it is not a regular file'],
    [['config', '--config', ''], 'Config file "" cannot be read: the name of the file is empty'],
    [['topology', '--xml', '/dev/zero'], '/dev/zero cannot be read: it is not a regular file'],
    [['topology', '--xml', ''], 'The topology "" cannot be read: the name of the file is empty'],
    [['topology', '--xml', 'utf16.xml'], 'utf16.xml is in UTF-16 or UTF-32: save it as UTF-8'],
    [['topology', '--xml', 'topology.xml.gz'], 'topology.xml.gz is compressed with gzip: decompress it'],
    [['run', FLIGHTS, '--record', ''], 'The recording cannot be written to "": the name of the file is empty'],
    [['run', FLIGHTS, '--trace', ''], 'The trace cannot be written to "": the name of the file is empty'],
    [['run', FLIGHTS, '--trace', 'one.txt', '--record', './one.txt'], '--trace and --record are the same file'],
    [['run', FLIGHTS, '--trace', 'there', '--record', 'link'], '--trace and --record are the same file'],
    [['run', 'empty.js', '--record', 'empty.js'], 'the module and --record are the same file'],
    [['run', 'empty.js', '--trace', 'link.js'], 'the module and --trace are the same file'],
    [['replay', 'broken.js'], 'broken.js cannot be replayed: '],
    [['run'], "missing required argument 'module'"],
    [['run', FLIGHTS, 'more'], 'too many arguments'],
    [['run', FLIGHTS, '--sede', '7'], 'Did you mean --seed?'],
    [['run', 'nowhere'], 'There is no module nowhere'],
    [['run', '.'], 'package.json names no module'],
    [['run', 'node_modules'], 'has no package.json'],
    [['run', 'unbuilt'], 'build it first'],
    [['run', 'broken.js'], 'broken.js:1'],
    [['run', 'importing.js'], 'imported.js:2'],
    [['run', 'common.cjs'], 'common.cjs:1'],
    [['sim', 'importing.js'], 'imported.js:2'],
    [['run', 'empty.js'], 'no pipeline as its default export'],
    [['run', FLIGHTS, '--partitions', '0'], 'package, numa, l3, core, or an integer from 1'],
    [['run', FLIGHTS, '--partitions', 'two'], 'an integer from 1'],
    [['run', FLIGHTS, '--instances', 'tally'], 'SEGMENT=N'],
    [['run', FLIGHTS, '--instances', 'tally=0'], 'SEGMENT=N'],
    [['run', FLIGHTS, '--instances', 'tallly=2'], 'no segment "tallly"; it has read, parse, tally, merge'],
    [['run', FLIGHTS, '--nodes', '1.5'], 'a whole number from 1'],
    [['run', FLIGHTS, '--seed', '-1'], 'a whole number from 0'],
    [['run', FLIGHTS, '--seed', '4294967296'], 'to 4294967295'],
    [['sim', 'empty.js', '--seed', '4294967296'], 'to 4294967295'],
    [['sim', 'empty.js', '--seeds', '1..4294967296'], 'to 4294967295'],
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
    [['join', '--to', 'foo'], '--to is "foo"; it accepts the address of another process'],
    [['join', '--to', 'none', '--node', 'late'], '--to is ""'],
    [['members', '--seed', 'foo'], '--seed is "foo"; it accepts at most 64 addresses'],
    [['topology', '--strategy', 'socket'], 'machine, package, numa, l3, core, count(N)'],
    [['topology', '--cpuset', 'all'], '0-3,8'],
    [['topology', '--xml', 'nowhere.xml'], 'nowhere.xml cannot be read'],
    [['topology', '--xml', 'broken.js'], 'broken.js is not well-formed XML'],
    [['topology', '--xml', 'broken.js', '--synthetic', 'pu:1'], 'cannot be used with'],
    [['topology', '--synthetic', 'pu:1000000'], 'a synthetic topology may have 16384'],
  ];

  before(() => {
    folder.write('broken.js', 'export default 1 +;');
    // The key of tlsKeyFile is secret.
    chmodSync(join(folder.path, 'broken.js'), 0o600);
    const xml = '<?xml version="1.0"?><topology version="2.0"/>';
    writeFileSync(join(folder.path, 'utf16.xml'), Buffer.from(`\ufeff${xml}`, 'utf16le'));
    writeFileSync(join(folder.path, 'topology.xml.gz'), gzipSync(xml));
    folder.write('there', '');
    symlinkSync('there', join(folder.path, 'link'));
    folder.write('empty', '');
    // Printed, should the module be run to find the line.
    folder.write('importing.js', "import './imported.js'; console.log('this has run'); export default 1;");
    folder.write('imported.js', 'export const one = 1;\nthis is wrong');
    folder.write('common.cjs', 'this is wrong');
    folder.write('empty.js', 'export const nothing = 1;');
    linkSync(join(folder.path, 'empty.js'), join(folder.path, 'link.js'));
    mkdirSync(join(folder.path, 'unbuilt'));
    folder.write('unbuilt/package.json', '{ "millrace": "./dist/main.js" }');
  });

  /** Options and the files that they name, and what the one line about each includes. */
  const wrongOptions: Readonly<Record<string, readonly [env: Readonly<Record<string, string>>, includes: string]>> = {
    'an empty cluster key': [{ MILLRACE_CLUSTER_KEY_FILE: 'empty' }, 'clusterKeyFile: empty is empty'],
    'a port that is too large': [{ MILLRACE_LISTEN: 'tcp://h:99999' }, 'a port from 0 to 65535'],
    'a port that nobody listens at': [{ MILLRACE_CONTROL_PLANE: 'tcp://127.0.0.1:0' }, 'a port from 1 to 65535'],
    'a device as cluster key': [{ MILLRACE_CLUSTER_KEY_FILE: '/dev/zero' }, 'it is not a regular file'],
    'a certificate that is none': [{ MILLRACE_TLS_CERT_FILE: 'broken.js', MILLRACE_TLS_KEY_FILE: 'broken.js' }, 'PEM'],
    'an authority that is none': [
      { MILLRACE_TLS_CA_FILE: 'broken.js' },
      'tlsCaFile: broken.js contains no certificate',
    ],
  };

  const refused = [
    ...wrong.map(([words, includes]) => {
      const shown = words.map((word) => (word === FLIGHTS ? 'flights' : word)).join(' ');
      return { title: `answers "millrace ${shown}" in one line, and starts nothing`, words, env: {}, includes };
    }),
    ...Object.entries(wrongOptions).map(([what, [given, includes]]) => {
      const env = { MILLRACE_LISTEN: 'unix:', ...given };
      return {
        title: `refuses ${what} in one line, and starts nothing`,
        words: ['run', FLIGHTS, '--quiet'],
        env,
        includes,
      };
    }),
  ];
  let answers: readonly Ended[] = [];
  before(async () => {
    answers = await Promise.all(refused.map(({ words, env }) => folder.ask(words, env)));
  });

  for (const [index, { title, includes }] of refused.entries()) {
    it(title, () => {
      const answer = answers[index];
      if (answer === undefined) throw new Error('The command line was not run.');
      expect(answer.code, answer.stderr).to.equal(2);
      expect(messages(answer)).to.have.length(1);
      expect(answer.stderr)
        .to.include(includes)
        .and.not.match(/\n\s+at /);
      expect(answer.stdout).to.equal('');
    });
  }

  it('refuses in a process of its own what it refuses beside others', async () => {
    const [first] = refused;
    expect(await folder.run(first?.words ?? [])).to.deep.equal(answers[0]);
  });

  it('leaves a file as it is that it refuses to write over', () => {
    expect(folder.read('empty.js')).to.equal('export const nothing = 1;');
  });

  it('may write several outputs to one device', async () => {
    folder.writePipeline('short.js', { read: 'await output.write({ delay: 1 });' });
    const ended = await folder.ask(['run', 'short.js', '--quiet', '--trace', '/dev/null', '--record', '/dev/null']);
    expect(ended).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  it('refuses a wrong option of the environment', async () => {
    const ended = await folder.ask(['run', FLIGHTS], { MILLRACE_STREAM_ITEMS: 'many' });
    expect(ended.code).to.equal(2);
    expect(ended.stderr).to.include('streamItems').and.include('many');
  });

  it('runs modules whose paths have blanks, from another folder, of a package.json with a byte order mark', async () => {
    mkdirSync(join(folder.path, 'a folder'));
    folder.writePipeline('a folder/a module.js', { read: 'console.log(JSON.stringify(args));' });
    folder.write('a folder/package.json', '\ufeff{ "type": "module", "millrace": "./a module.js" }\r\n');
    for (const module of ['a folder', 'a folder/a module.js', join(folder.path, 'a folder')]) {
      const { code, stdout, stderr } = await folder.ask(['run', module, '--quiet', '--', '--x=--', '--y', 'a  b']);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).to.deep.equal({ x: '--', y: 'a  b' });
    }
  });

  it('takes -- for the end of options where a command has no program', async () => {
    const { code, stdout } = await folder.ask(['config', '--json', '--']);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.have.property('logLevel');
    expect((await folder.ask(['help', 'sim'])).stdout).to.include('--seeds');
  });

  it('says so where the folder that it is called in is gone', async () => {
    const gone = join(folder.path, 'gone');
    mkdirSync(gone);
    // The folder has to go after the process has it and before the command looks.
    const script = `process.chdir(${JSON.stringify(gone)}); (await import('node:fs')).rmdirSync(${JSON.stringify(gone)}); process.argv.splice(1, 1, 'millrace', 'config'); await import(${JSON.stringify(pathToFileURL(MAIN).href)});`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script, 'x'], {
      encoding: 'utf8',
    });
    expect(status, stderr).to.equal(2);
    expect(stderr).to.equal('millrace: The working folder is not there any more: change to another.\n');
  });

  it('prints the stack with --verbose', async () => {
    const { code, stderr } = await folder.ask(['--verbose', 'run', 'nowhere']);
    expect(code).to.equal(2);
    expect(stderr).to.match(/\n\s+at /);
  });
});
