import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ResourceError } from '#src/errors.js';
import { memoryLogger } from '#src/logging/index.js';
import { type ShimFiles, UcxLibrary } from '#src/transport/ucx/index.js';
import { findShim, shimPlaces } from '#src/transport/ucx/shim-file.js';
import { describeWithUcx } from './available.js';

const SHIMS = 'native-shims';

function open(files: ShimFiles): void {
  new UcxLibrary({ files }).load();
}

/** Builds the shim from sources that `change` has altered, and gives the path of the library. */
async function altered(folder: string, file: string, change: (text: string) => string): Promise<string> {
  await cp(SHIMS, folder, { recursive: true, filter: (path) => !path.endsWith('build') });
  const path = join(folder, 'ucx', file);
  const before = await readFile(path, 'utf8');
  const after = change(before);
  expect(after).to.not.equal(before);
  await writeFile(path, after);
  const child = spawnSync(process.execPath, [join(folder, 'build.mjs')], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(child.stderr);
  return join(folder, 'build', 'millrace-ucx.so');
}

describe('the UCX shim', () => {
  it('that is not there is named, with the command that brings it', () => {
    expect(() => open({ shim: '/nowhere/millrace-ucx.so' }))
      .to.throw(ResourceError, '/nowhere/millrace-ucx.so')
      .with.property('message')
      .that.matches(/apt-get install -y libucx0 libucx-dev gcc && node .*native-shims\/build\.mjs/);
  });
});

describe('the place of the UCX shim', () => {
  it('is that of the one that was built here, and then that of the package for machines of this kind', () => {
    const [own, prebuilt] = shimPlaces();
    expect(own).to.match(/native-shims\/build\/millrace-ucx\.so$/);
    const kind = `${process.platform}-${process.arch}`;
    expect(prebuilt).to.match(new RegExp(`native-shims/prebuilt/${kind}(-musl)?/millrace-ucx\\.so$`));
    expect(findShim(['/nowhere', 'package.json', 'README.md'])).to.equal('package.json');
    expect(findShim(['/nowhere'])).to.equal(undefined);
  });
});

describeWithUcx('the UCX shim', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('passes its own test under AddressSanitizer', function () {
    this.timeout(300_000);
    const child = spawnSync(process.execPath, [join(SHIMS, 'build.mjs'), '--test'], { encoding: 'utf8' });
    expect(child.status, `${child.stdout}${child.stderr}`).to.equal(0);
    expect(child.stdout).to.include('all passed');
  });

  it('is refused when a number of its header is another, as that of a field that has moved', async function () {
    this.timeout(180_000);
    const swapped = (text: string): string =>
      text.replace(
        '  uint32_t offset;\n  uint32_t length;\n  uint32_t position;',
        '  uint32_t length;\n  uint32_t offset;\n  uint32_t position;',
      );
    const shim = await altered(folder, 'millrace_ucx.h', swapped);
    expect(() => open({ shim })).to.throw(ResourceError, 'mrx_completion.offset is 16 in the library and 12 here');
  });

  it('is refused when it is another library, or none', async () => {
    expect(() => open({ shim: 'libucp.so.0' })).to.throw(ResourceError, 'not found');
    const text = join(folder, 'text.so');
    await writeFile(text, 'no library');
    expect(() => open({ shim: text })).to.throw(ResourceError, text);
  });

  it('is loaded for all who share it, or missing for all of them, which is logged once', () => {
    const log = memoryLogger();
    const good = new UcxLibrary({ log });
    expect([good.isInstalled(), good.isLoaded()]).to.deep.equal([true, true]);
    expect(good.load()).to.equal(good.load());
    expect(log.records).to.deep.equal([]);
    const bad = new UcxLibrary({ log, files: { shim: 'package.json' } });
    expect([bad.isInstalled(), bad.isLoaded(), bad.isInstalled(), bad.isLoaded()]).to.deep.equal([
      true,
      false,
      false,
      false,
    ]);
    expect(() => bad.load()).to.throw(ResourceError, 'package.json');
    expect(log.records).to.have.length(1);
  });

  it('names UCX where that is not there', () => {
    const script = `
      import { UcxLibrary } from '#src/transport/ucx/index.js';
      try { new UcxLibrary({ files: { ucx: 'libucp-nowhere.so.0' } }).load(); }
      catch (error) { console.log(error.name, error.message); }`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(child.stdout).to.match(/^ResourceError .*libucp-nowhere\.so\.0.*apt-get install/);
  });
});
