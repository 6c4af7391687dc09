import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import semver from 'semver';
import { pendingBecause } from '../support/pending.js';

const PACKAGE = resolve('create-millrace');
const TEMPLATES = ['cluster', 'pipeline', 'service'];
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

describe('npm create millrace', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-create-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const create = (words: readonly string[], nodeOptions: readonly string[] = []) => {
    const args = [...nodeOptions, join(PACKAGE, 'bin.js'), ...words];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', input: '' });
    return { status, stdout, stderr };
  };

  it('makes a project whose package and README have the name of its folder', () => {
    const { status, stdout, stderr } = create(['My App', '--template', 'pipeline']);
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.include('cd "My App"\n  npm install\n');
    const project = join(folder, 'My App');
    expect(manifestOf(project).name).to.equal('my-app');
    expect(readFileSync(join(project, 'README.md'), 'utf8')).to.match(/^# my-app\n/);
    // Nothing of a build, though the checkout is built.
    expect(readdirSync(project)).to.have.members([
      '.gitignore',
      'README.md',
      'data',
      'package.json',
      'protos',
      'src',
      'tsconfig.json',
    ]);
  });

  it('refuses a folder that is not empty, and leaves it as it is', () => {
    mkdirSync(join(folder, 'app'));
    writeFileSync(join(folder, 'app/notes.txt'), 'mine');
    writeFileSync(join(folder, 'file'), '');
    for (const name of ['app', 'file']) {
      const { status, stderr } = create([name, '--template', 'service']);
      expect([status, stderr.split(': ', 2)]).to.deep.equal([2, ['create-millrace', 'FOLDER_NOT_EMPTY']]);
    }
    expect(readdirSync(join(folder, 'app'))).to.deep.equal(['notes.txt']);
  });

  it('says what the system does not let it do', () => {
    writeFileSync(join(folder, 'file'), '');
    const { status, stderr } = create(['file/app', '--template', 'service']);
    expect([status, stderr.split('\n').length]).to.deep.equal([2, 2]);
    expect(stderr).to.include('create-millrace: CANNOT_WRITE: ').and.include('a part of its path is a file (ENOTDIR)');
  });

  it('takes an empty repository', () => {
    mkdirSync(join(folder, 'app/.git'), { recursive: true });
    expect(create(['app', '-t', 'service']).status).to.equal(0);
  });

  const refused: readonly (readonly [code: string, words: readonly string[], says: string])[] = [
    ['UNKNOWN_TEMPLATE', ['app', '--template', 'monolith'], 'cluster, pipeline, service'],
    ['UNKNOWN_TEMPLATE', ['app', '--template', '../src'], 'cluster, pipeline, service'],
    ['BAD_NAME', ['...', '--template', 'service'], 'letters or digits'],
    ['BAD_NAME', ['node_modules', '--template', 'service'], 'npm keeps "node_modules" for itself'],
    ['BAD_NAME', ['Millrace', '--template', 'service'], 'the project depends on the package "millrace"'],
    ['BAD_NAME', ['a'.repeat(215), '--template', 'service'], 'npm takes 214 characters at most'],
    ['USAGE', [], 'The command needs the folder'],
    ['USAGE', ['app'], 'The command needs a template'],
    ['USAGE', ['app', 'other', '--template', 'service'], 'One folder'],
    ['USAGE', ['app', '-t', 'service', '-t', 'cluster'], 'One template is expected, not service, cluster.'],
    ['USAGE', ['app', '--colour'], "Unknown option '--colour'.\nUsage"],
  ];
  for (const [code, words, says] of refused) {
    it(`says ${code} of the words "${words.join(' ').slice(0, 60)}", and makes nothing`, () => {
      const { status, stdout, stderr } = create(words);
      expect([status, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.include(`create-millrace: ${code}: `).and.include(says);
      expect(readdirSync(folder)).to.deep.equal([]);
    });
  }

  it('says which Node it needs to an older one', () => {
    const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } })";
    const { status, stderr } = create(['app', '-t', 'service'], ['--import', `data:text/javascript,${older}`]);
    expect(status).to.equal(2);
    expect(stderr).to.match(
      /^create-millrace: OLD_NODE: Millrace needs Node 20\.19 or later, and this is 20\.18\.3\. /,
    );
  });

  it('asks on a terminal', function () {
    if (!hasScript) pendingBecause(this, 'it needs script of util-linux. Debian: apt-get install -y bsdutils');
    // The answers are there when the questions come: the terminal keeps them.
    const command = `'${process.execPath}' '${join(PACKAGE, 'bin.js')}'`;
    const answer = (text: string) =>
      spawnSync('script', ['--quiet', '--command', command, '/dev/null'], {
        cwd: folder,
        encoding: 'utf8',
        input: text,
        timeout: 30_000,
      });
    const { stdout } = answer('mine\nnone\n1\n');
    expect(stdout).to.include('There is no template "none".').and.include('mine is made from the template cluster');
    expect(existsSync(join(folder, 'mine/src/primes.ts'))).to.equal(true);
  });
});

describe('the package create-millrace', () => {
  const root = manifestOf('.');

  it('has the version of Millrace, and needs the same Node', () => {
    const { version, engines } = manifestOf(PACKAGE);
    expect({ version, engines }).to.deep.equal({ version: root.version, engines: root.engines });
  });

  it('brings the licence', () => {
    expect(readFileSync(join(PACKAGE, 'LICENSE'), 'utf8')).to.equal(readFileSync('LICENSE', 'utf8'));
  });

  for (const template of TEMPLATES) {
    it(`has in ${template} what is tested here: this Millrace, and the packages of the checkout`, () => {
      const { engines, dependencies = {}, devDependencies = {} } = manifestOf(join(PACKAGE, 'templates', template));
      expect(engines).to.deep.equal(root.engines);
      const { millrace = '', ...others } = { ...dependencies, ...devDependencies };
      expect(semver.satisfies(root.version, millrace), millrace).to.equal(true);
      for (const [name, range] of Object.entries(others)) {
        const { version } = manifestOf(join('node_modules', name));
        expect(semver.satisfies(version, range), `${name} ${version} in ${range}`).to.equal(true);
      }
    });
  }
});
