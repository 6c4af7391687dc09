import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ABI_NUMBERS, abiDifference, Status } from '#src/transport/ucx/abi.js';
import { needsCommand, pendingBecause } from '../../support/pending.js';

/** Where the libraries of arm64 are: those of Debian's libucx0:arm64, or below a folder into which they were unpacked. */
const { ARM64_ROOT: arm64Root = '/' } = process.env;
const CROSS_ROOT = '/usr/aarch64-linux-gnu';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const PREBUILT = join(root, 'native-shims/prebuilt');

/** A kind of machine, how a program for it is made and run here, and the packages of Debian that this takes. */
const MACHINES = [
  { name: 'linux-x64', compile: ['gcc'], run: [], debian: 'gcc libc6-dev' },
  {
    name: 'linux-arm64',
    compile: ['aarch64-linux-gnu-gcc'],
    run: ['qemu-aarch64', '-L', CROSS_ROOT],
    debian: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user',
  },
  { name: 'linux-x64-musl', compile: ['musl-gcc'], run: [], debian: 'musl-tools' },
] as const;

/** What the shim's own test runs with there: UCX, and the libraries that it needs. */
const ARM64_LIBRARIES = join(arm64Root, 'usr/lib/aarch64-linux-gnu');

describe('the shims of the package', function () {
  this.timeout(120_000);
  let folder = '';

  before(function () {
    const { status, stderr } = spawnSync(process.execPath, ['native-shims/prebuild.mjs'], {
      cwd: root,
      encoding: 'utf8',
    });
    if (stderr.includes('no prebuilt shims:')) pendingBecause(this, stderr.trim());
    expect(status, stderr).to.equal(0);
    folder = mkdtempSync(join(tmpdir(), 'millrace-prebuilt-'));
  });

  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  it('are those of machines that are named here', () => {
    expect([...MACHINES.map(({ name }) => name), 'linux-arm64-musl']).to.include.members(readdirSync(PREBUILT));
  });

  for (const { name, compile, run, debian } of MACHINES) {
    it(`of ${name} can be loaded there, and has the numbers of this version`, function () {
      const commands = [compile[0], ...run.slice(0, 1)];
      if (name.startsWith('linux-x64') && process.arch !== 'x64')
        pendingBecause(this, `this machine is ${process.arch}`);
      for (const command of commands) needsCommand(this, command, debian);
      const shim = join(PREBUILT, name, 'millrace-ucx.so');
      if (!existsSync(shim)) pendingBecause(this, `it needs ${shim}, not built. Debian: apt-get install -y ${debian}`);

      const program = join(folder, name);
      const source = join(root, 'test/slow/ucx/read-abi.c');
      output(compile[0], ['-o', program, source, '-ldl']);
      const [command = '', ...words] = [...run, program, shim];
      const lines = output(command, words).trim().split('\n');
      const numbers = lines.slice(0, ABI_NUMBERS).map(Number);
      expect(abiDifference(numbers)).to.equal(undefined);
      expect(lines.slice(ABI_NUMBERS).join('\n')).to.match(
        new RegExp(`^${Status.noLibrary} .*libucp-nowhere\\.so\\.0`),
      );
    });
  }

  it('of linux-arm64 passes its own test there, with UCX', function () {
    const [, { compile, run, debian }] = MACHINES;
    for (const command of [...compile, run[0]]) needsCommand(this, command, debian);
    if (!existsSync(join(ARM64_LIBRARIES, 'libucp.so.0'))) {
      const command = 'dpkg --add-architecture arm64 && apt-get update && apt-get install -y libucx0:arm64';
      pendingBecause(this, `it needs ${ARM64_LIBRARIES}/libucp.so.0, not found. Debian: ${command}`);
    }
    const program = join(folder, 'rings_test');
    const sources = ['native-shims/ucx', 'native-shims/ucx/test'].flatMap((name) =>
      readdirSync(join(root, name))
        .filter((file) => file.endsWith('.c'))
        .map((file) => join(root, name, file)),
    );
    output(compile[0], ['-std=gnu11', '-O1', '-pthread', '-o', program, ...sources, '-ldl']);
    const libraries = ['-E', `LD_LIBRARY_PATH=${ARM64_LIBRARIES}:${join(arm64Root, 'lib/aarch64-linux-gnu')}`];
    expect(output(run[0], [...run.slice(1), ...libraries, program])).to.include('all passed');
  });
});

/** What a command has printed; it must succeed. */
function output(command: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8', timeout: 60_000 });
  expect(status, `${error?.message ?? ''}${stderr}`).to.equal(0);
  return stdout;
}
