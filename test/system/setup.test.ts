import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const lock = (packages: object): string => JSON.stringify({ lockfileVersion: 3, packages });
const wanted = {
  '': { name: 'x' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/b-other-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
};
const installed = { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };

describe('the setup script', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-setup-'));
    mkdirSync(join(root, 'scripts'));
    for (const name of ['setup.mjs', 'system-packages.mjs']) cpSync(`scripts/${name}`, join(root, 'scripts', name));
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'x', engines: { node: '>=20.19' } }));
    writeFileSync(join(root, 'package-lock.json'), lock(wanted));
    // Stands in for npm: installs what the lockfile wants, or fails when it is told to.
    writeFileSync(
      join(root, 'npm.js'),
      `const fs = require('fs');
if (process.env.OFFLINE) { console.error('npm error network'); process.exit(7); }
fs.mkdirSync('node_modules', { recursive: true });
fs.writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(lock(installed))});
fs.writeFileSync('arguments', process.argv.slice(2).join(' '));`,
    );
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function setUp(env: Record<string, string> = {}): { status: number | null; said: string } {
    const child = spawnSync(process.execPath, ['scripts/setup.mjs'], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', npm_execpath: join(root, 'npm.js'), ...env },
    });
    return { status: child.status, said: child.stdout + child.stderr };
  }

  function install(packages: object): void {
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    writeFileSync(join(root, 'node_modules/.package-lock.json'), lock(packages));
  }

  it('installs when node_modules is missing, says so, and has nothing to do or say the next time', () => {
    const first = setUp();
    expect(first.status, first.said).to.equal(0);
    expect(first.said).to.match(/node_modules is missing; running npm ci\n.*installed in/);
    expect(setUp()).to.deep.equal({ status: 0, said: '' });
  });

  it('installs when an installation was interrupted', () => {
    mkdirSync(join(root, 'node_modules'));
    expect(setUp().said).to.include('node_modules is incomplete');
  });

  it('installs when the lockfile wants another version or another package', () => {
    install({ 'node_modules/a': { version: '0.9.0', integrity: 'sha512-old' } });
    expect(setUp().said).to.include('node_modules/a differs');
    install({});
    expect(setUp().said).to.include('node_modules/a differs');
  });

  it('makes the checkout a package of its own, as the examples import it', () => {
    setUp();
    expect(realpathSync(join(root, 'node_modules/millrace'))).to.equal(realpathSync(root));
  });

  it('does not ask for packages of other platforms', () => {
    install(installed);
    expect(setUp()).to.deep.equal({ status: 0, said: '' });
  });

  it('says what to do when npm fails', () => {
    const { status, said } = setUp({ OFFLINE: '1' });
    expect(status).to.equal(1);
    expect(said).to.include('npm error network').and.include('npm ci failed (exit code 7)').and.include('no network');
  });

  it('says which Node is needed when this one is too old', () => {
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'x', engines: { node: '>=99.1' } }));
    const { status, said } = setUp();
    expect(status).to.equal(1);
    expect(said).to.include('needs Node 99.1 or later').and.include(process.versions.node);
  });
});
