import { spawnSync } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Scratch } from './scratch.js';

const [A, B] = ['a', 'b'].map((name) => `syntax = "proto3"; package ${name}; message M { int32 a = 1; }`);
const GEN = `${process.execPath} ${join(process.cwd(), 'dist/cli/main.js')} gen`;
/** Modes of files mean nothing to root. */
const isRoot = process.getuid?.() === 0;

describe('what is generated is written whole or not at all:', () => {
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
    await scratch.put('a.proto', A ?? '');
    await scratch.put('b.proto', B ?? '');
  });
  afterEach(async () => {
    await chmod(scratch.path, 0o755);
    await scratch.remove();
  });

  it('the caller is told of each file, and of those that were as they should be', async () => {
    const told: [string, boolean][] = [];
    const report = (path: string, isWritten: boolean) =>
      void told.push([path.slice(scratch.path.length + 1), isWritten]);
    await scratch.generate(['a.proto'], { report });
    expect(told.splice(0)).to.deep.equal([
      ['gen/a.d.ts', true],
      ['gen/a.js', true],
    ]);
    await scratch.generate(['a.proto', 'b.proto'], { report });
    expect(told).to.deep.equal([
      ['gen/a.d.ts', false],
      ['gen/a.js', false],
      ['gen/b.d.ts', true],
      ['gen/b.js', true],
    ]);
  });

  it('a file keeps its permissions and its owner when it is replaced', async () => {
    const file = await scratch.put('gen/a.js', 'earlier');
    for (const mode of [0o600, 0o664, 0o755]) {
      await scratch.put('gen/a.js', `earlier ${mode}`);
      await chmod(file, mode);
      if (isRoot) await chown(file, 12_345, 12_346);
      await scratch.generate(['a.proto']);
      const { mode: after, uid, gid } = await stat(file);
      expect(after & 0o7777).to.equal(mode);
      if (isRoot) expect({ uid, gid }).to.deep.equal({ uid: 12_345, gid: 12_346 });
      expect(await scratch.read('gen/a.js')).to.include('M');
    }
  });

  it('a symbolic link stays one, and the file that it leads to is written', async () => {
    await scratch.put('real/a.js', 'earlier');
    await mkdir(join(scratch.path, 'gen'));
    await symlink('../real/a.js', join(scratch.path, 'gen/a.js'));
    await symlink('../real/not-yet.d.ts', join(scratch.path, 'gen/a.d.ts'));
    await scratch.generate(['a.proto']);
    for (const [link, target] of [
      ['gen/a.js', 'real/a.js'],
      ['gen/a.d.ts', 'real/not-yet.d.ts'],
    ] as const) {
      expect((await lstat(join(scratch.path, link))).isSymbolicLink(), link).to.equal(true);
      expect(await scratch.read(target)).to.include('M');
    }
    expect(await scratch.files('real')).to.deep.equal(['a.js', 'not-yet.d.ts']);
    expect(await scratch.files('gen')).to.deep.equal([]);
  });

  it('a link to what is no file is not followed', async () => {
    await mkdir(join(scratch.path, 'gen'));
    await symlink('/dev/null', join(scratch.path, 'gen/a.js'));
    expect(await scratch.refusal(['a.proto']))
      .to.include('gen/a.js')
      .and.include('no regular file');
    expect((await stat('/dev/null')).isCharacterDevice()).to.equal(true);
    expect(await scratch.files('gen')).to.deep.equal([]);
  });

  it('a folder that is a file', async () => {
    await scratch.put('gen', 'mine');
    const said = await scratch.refusal(['a.proto']);
    expect(said).to.include(join(scratch.path, 'gen/a.d.ts')).and.include('is a file');
    expect(await scratch.read('gen')).to.equal('mine');
    expect(await scratch.refusal(['a.proto'], { out: join(scratch.path, 'gen/deeper/still') })).to.include(
      'deeper/still/a.d.ts',
    );
  });

  it('a file that is a folder, though others could be written', async () => {
    await mkdir(join(scratch.path, 'gen/b.js'), { recursive: true });
    await scratch.put('gen/a.js', 'earlier');
    expect(await scratch.refusal(['a.proto', 'b.proto']))
      .to.include(join(scratch.path, 'gen/b.js'))
      .and.include('folder');
    expect(await scratch.files('gen')).to.deep.equal(['a.js']);
    expect(await scratch.read('gen/a.js')).to.equal('earlier');
  });

  it('folders that were made for nothing are gone again', async () => {
    await scratch.put('x/y/a.proto', A ?? '');
    await mkdir(join(scratch.path, 'gen/b.js'), { recursive: true });
    await scratch.refusal(['x/y/a.proto', 'b.proto'], { protoPath: [scratch.path] });
    expect(await scratch.files('gen')).to.deep.equal([]);
    expect(await mkdir(join(scratch.path, 'gen/x'), { recursive: true })).to.equal(join(scratch.path, 'gen/x'));
  });

  (isRoot ? it.skip : it)('a folder that may not be written to', async () => {
    await mkdir(join(scratch.path, 'gen'));
    await chmod(join(scratch.path, 'gen'), 0o555);
    expect(await scratch.refusal(['a.proto']))
      .to.include('gen/a.d.ts')
      .and.include('permission is denied');
    await chmod(join(scratch.path, 'gen'), 0o755);
  });

  (isRoot ? it.skip : it)('a file that may not be written to, in a folder that may', async () => {
    const file = await scratch.put('gen/a.js', 'mine');
    await chmod(file, 0o444);
    expect(await scratch.refusal(['a.proto']))
      .to.include(file)
      .and.include('permission is denied');
    expect(await scratch.files('gen')).to.deep.equal(['a.js']);
    expect(await readFile(file, 'utf8')).to.equal('mine');
  });

  it('a folder where none can be made', async () => {
    expect(await scratch.refusal(['a.proto'], { out: '/proc/none/at/all' })).to.match(
      /^\/proc\/none\/at\/all\/a\.d\.ts cannot be written/,
    );
  });

  it('a folder that is a link to nowhere', async () => {
    await symlink(join(scratch.path, 'nowhere/at/all'), join(scratch.path, 'gen'));
    expect(await scratch.refusal(['a.proto'])).to.include('gen/a.d.ts');
  });

  /** A disk of its own, 64 KiB large, where the system lets us make one. */
  const inNamespace = (script: string) =>
    spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-ec', script], { encoding: 'utf8' });
  const canMount = inNamespace('mount -t tmpfs -o size=64k none /mnt').status === 0;

  (canMount ? it : it.skip)('a disk that is read-only, by the command, with exit code 2', () => {
    const child = inNamespace(
      `mount -t tmpfs -o ro none /mnt; cd ${scratch.path}; ${GEN} a.proto --module esm --out /mnt/gen || echo "code $?"`,
    );
    expect(child.stdout).to.equal('code 2\n');
    expect(child.stderr).to.match(/^millrace: \/mnt\/gen\/a\.d\.ts cannot be written: the file system is read-only\./);
  });

  (canMount ? it : it.skip)('a disk that is full, by the command, with exit code 2', async () => {
    await scratch.put('small.proto', 'syntax = "proto3"; message Small {}');
    const fields = Array.from({ length: 2000 }, (_, index) => `int32 a${index} = ${index + 1};`).join(' ');
    await scratch.put(
      'wide.proto',
      `syntax = "proto3"; package wide; message Wide { ${fields} }`.replace('19000', '29000'),
    );
    const child = inNamespace(
      `mount -t tmpfs -o size=64k none /mnt; cd ${scratch.path}; ${GEN} small.proto --module esm --out /mnt/gen; ` +
        `set +e; ${GEN} wide.proto small.proto --module esm --out /mnt/gen; echo "code $?"; ls -A /mnt/gen; ${GEN} small.proto --module esm --out /mnt/gen`,
    );
    expect(child.stdout).to.match(
      /code 2\nsmall\.d\.ts\nsmall\.js\nunchanged .*small\.d\.ts\nunchanged .*small\.js\n$/,
    );
    expect(child.stderr).to.match(/^millrace: \/mnt\/gen\/wide\.\S+ cannot be written: the disk is full\./);
  });
});
