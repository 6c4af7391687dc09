import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lockFolder, lockState } from '#src/cli/deploy-lock.js';
import { ConfigError } from '#src/errors.js';

describe('the lock of a folder of components', () => {
  let folder: string;
  const file = (name = ''): string => join(folder, `.millrace-lock${name}`);
  const leave = (): void => writeFileSync(file(), String(spawnSync(process.execPath, ['--version']).pid));

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lock-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('that was left is taken by one process, and not while another one removes it', () => {
    leave();
    writeFileSync(file('.left'), '');
    expect(() => lockFolder(folder)).to.throw(ConfigError, /\.millrace-lock\.left is held/);
    expect(lockState(folder)).to.equal('left');
    rmSync(file('.left'));
    const lock = lockFolder(folder);
    expect(lockState(folder)).to.equal('held');
    expect(() => lockFolder(folder)).to.throw(ConfigError, /is held/);
    lock.release();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('is given back by the process that has it alone', () => {
    const lock = lockFolder(folder);
    rmSync(file());
    writeFileSync(file(), 'another one');
    lock.share(process.pid);
    lock.release();
    expect(readFileSync(file(), 'utf8')).to.equal('another one');
  });

  it('that is shared is held while one of its processes lives', () => {
    leave();
    const left = readFileSync(file(), 'utf8');
    for (const [owners, state] of [
      [`${left}\n${process.pid}\n`, 'held'],
      [`${process.pid}\n${left}\n`, 'held'],
      [`${left}\n${left}\n`, 'left'],
      [`${left}\nsomebody\n`, 'held'],
      ['', 'held'],
    ]) {
      writeFileSync(file(), owners ?? '');
      expect(lockState(folder), owners).to.equal(state);
    }
  });
});
