import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platform } from 'node:process';
import { expect } from 'chai';

const ROOT = 0;
const SOMEONE = 1_000;

/** Stands in for apt-get: notes how it was called. */
const APT = `#!${process.execPath}
const fs = require('fs');
fs.appendFileSync('calls', process.argv.slice(2).filter((word) => !word.startsWith('-o')).join(' ') + '\\n');
const calls = fs.readFileSync('calls', 'utf8').split('\\n').length - 1;
const fail = (text) => { console.error(text); process.exit(100); };
if (process.env.OFFLINE) fail("W: trying\\nE: Failed to fetch http://deb.example/x  Could not resolve 'deb.example'");
if (process.env.LOCKED && calls < 3) fail('E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)');
if (process.env.BROKEN && process.argv.includes('install')) fail('E: Unable to locate package curl');
`;

(platform === 'linux' ? describe : describe.skip)('the set-up of Debian packages', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-packages-'));
    mkdirSync(join(folder, 'scripts'));
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'node_modules'));
    for (const name of ['setup.mjs', 'system-packages.mjs']) cpSync(`scripts/${name}`, join(folder, 'scripts', name));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'x', engines: { node: '>=20.19' } }));
    for (const name of ['package-lock.json', 'node_modules/.package-lock.json'])
      writeFileSync(join(folder, name), '{}');
    writeFileSync(join(folder, 'bin/apt-get'), APT, { mode: 0o755 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** The set-up, by a user with that id, on a machine with no command but apt-get. */
  function setUp(uid: number, env: Record<string, string> = {}, ...words: readonly string[]) {
    const asUser = `data:text/javascript,process.getuid=()=>${uid}`;
    const child = spawnSync(process.execPath, ['--import', asUser, 'scripts/setup.mjs', ...words], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: join(folder, 'bin'), ...env },
    });
    const calls = join(folder, 'calls');
    return {
      status: child.status,
      said: child.stdout + child.stderr,
      calls: existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').slice(0, -1) : [],
    };
  }

  it('installs what is missing as root, and says which', () => {
    const { status, said, calls } = setUp(ROOT, {}, '--tests');
    expect(status, said).to.equal(0);
    expect(said)
      .to.match(
        /installing Debian packages that tests use \(SETUP_APT=off prevents it\): .*\bgcc\b.* curl iproute2 .*\n/,
      )
      .and.include('Debian packages installed in');
    expect(calls[0]).to.equal('update -qq');
    expect(calls.at(-1)).to.match(/^install -y -qq --no-install-recommends .*\bgcc\b.* curl iproute2 /);
  });

  it('leaves what only slow tests use to those', () => {
    expect(setUp(SOMEONE, {}, '--tests').said).to.not.include('chromium');
    expect(setUp(SOMEONE, {}, '--slow-tests').said).to.match(/curl iproute2 .*chromium-headless-shell/);
  });

  it('tells anyone else the one command', () => {
    const { status, said, calls } = setUp(SOMEONE, {}, '--tests');
    expect(status, said).to.equal(0);
    expect(said).to.match(
      /missing are (.* curl iproute2 .*); the tests that need them are pending\. As root: .*apt-get install -y .* \1\n/,
    );
    expect(calls).to.deep.equal([]);
  });

  it('names what is missing where there is no apt', () => {
    rmSync(join(folder, 'bin/apt-get'));
    const { status, said } = setUp(ROOT, {}, '--tests');
    expect(status, said).to.equal(0);
    expect(said).to.match(/missing are .* curl iproute2 .* \(their Debian names\)/);
  });

  it('leaves the system as it is for other commands, and with SETUP_APT=off', () => {
    for (const { status, said, calls } of [setUp(ROOT), setUp(ROOT, { SETUP_APT: 'off' }, '--tests')]) {
      expect({ status, said, calls }).to.deep.equal({ status: 0, said: '', calls: [] });
    }
  });

  for (const [trouble, reason] of [
    ['OFFLINE', "Failed to fetch http://deb.example/x  Could not resolve 'deb.example'"],
    ['BROKEN', 'Unable to locate package curl'],
  ] as const) {
    it(`goes on when apt-get fails, with its reason and the command: ${reason}`, () => {
      const { status, said } = setUp(ROOT, { [trouble]: '1' }, '--tests');
      expect(status, said).to.equal(0);
      expect(said).to.include(`(${reason}); the tests that need them are pending. By hand: apt-get update && `);
      expect(said).to.not.include('Debian packages installed');
    });
  }

  it('waits for another apt that holds the lock', function () {
    this.timeout(120_000);
    const { said, calls } = setUp(ROOT, { LOCKED: '1' }, '--tests');
    expect(said).to.include('Debian packages installed in');
    expect(calls.slice(0, 3)).to.deep.equal(['update -qq', 'update -qq', 'update -qq']);
  });
});
