import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const TARGETS = ['linux-x64', 'linux-arm64', 'linux-x64-musl', 'linux-arm64-musl'];
const OLD = 1_000;
const BUILT = 2_000;
const NEW = 3_000;

describe('the prebuilt shims', () => {
  let folder = '';
  const library = (target: string): string => join(folder, 'prebuilt', target, 'millrace-ucx.so');
  const date = (name: string, seconds: number): void => utimesSync(join(folder, name), seconds, seconds);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-shims-'));
    for (const name of ['build.mjs', 'prebuild.mjs']) {
      cpSync(join('native-shims', name), join(folder, name));
      date(name, OLD);
    }
    mkdirSync(join(folder, 'ucx'));
    writeFileSync(join(folder, 'ucx/link.c'), '');
    date('ucx/link.c', OLD);
    for (const target of TARGETS) {
      mkdirSync(join(folder, 'prebuilt', target), { recursive: true });
      writeFileSync(library(target), '');
      utimesSync(library(target), BUILT, BUILT);
    }
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** Where no compiler is. */
  const prebuild = (...options: readonly string[]) => {
    const env = { ...process.env, CC: join(folder, 'no-compiler') };
    const { status } = spawnSync(process.execPath, [join(folder, 'prebuild.mjs'), ...options], { env });
    return { status, kept: TARGETS.filter((target) => existsSync(library(target))) };
  };

  it('stay while they are newer than their sources', () => {
    expect(prebuild('--strict')).to.deep.equal({ status: 0, kept: TARGETS });
  });

  for (const changed of ['ucx/link.c', 'build.mjs', 'prebuild.mjs']) {
    it(`are removed where ${changed} is newer and no compiler is here, and a release fails`, () => {
      date(changed, NEW);
      expect(prebuild('--strict')).to.deep.equal({ status: 1, kept: [] });
      expect(prebuild()).to.deep.equal({ status: 0, kept: [] });
    });
  }
});
