// Builds the shims that the package brings, so that who installs it needs no compiler: prebuilt/linux-x64/millrace-ucx.so and so on.
//   node native-shims/prebuild.mjs           builds those for which a compiler is here, and says which are missing and why
//   node native-shims/prebuild.mjs --strict  fails unless x64 and arm64 with glibc are among them: what a release needs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { arch, argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildShim, compiler, isCurrent, lacking, remedy } from './build.mjs';

const script = fileURLToPath(import.meta.url);
const here = dirname(script);
const folder = join(here, 'ucx');

/** `commands`: compilers that make it, the first that is here is taken. `debian`: the package that brings one. `isRequired`: of a release. */
const targets = [
  {
    name: 'linux-x64',
    commands: native('x64', 'x86_64-linux-gnu-gcc'),
    debian: 'gcc-x86-64-linux-gnu',
    isRequired: true,
  },
  {
    name: 'linux-arm64',
    commands: native('arm64', 'aarch64-linux-gnu-gcc'),
    debian: 'gcc-aarch64-linux-gnu',
    isRequired: true,
  },
  { name: 'linux-x64-musl', commands: musl('x64', 'x86_64-linux-musl-gcc'), debian: 'musl-tools' },
  // Debian has no cross-compiler for it: musl-tools of an arm64 machine, or one of musl.cc.
  { name: 'linux-arm64-musl', commands: musl('arm64', 'aarch64-linux-musl-gcc'), debian: 'musl-tools:arm64' },
];

function native(machine, command) {
  return arch === machine ? [compiler(), command] : [command];
}

function musl(machine, command) {
  return arch === machine ? ['musl-gcc', command] : [command];
}

/** The headers of UCX alone: those of the C library beside them are for this machine. Returns their folder; the caller removes it. */
function headersOfUcx() {
  const { stdout } = spawnSync(compiler(), ['-M', '-x', 'c', '-'], {
    input: '#include <ucp/api/ucp.h>\n',
    encoding: 'utf8',
  });
  const include = /(\S+)\/ucp\/api\/ucp\.h/.exec(stdout)?.[1];
  if (include === undefined) throw new Error(`${compiler()} does not say where ucp/api/ucp.h is.`);
  const headers = mkdtempSync(join(tmpdir(), 'millrace-headers-'));
  for (const name of ['ucm', 'ucp', 'ucs', 'uct']) symlinkSync(join(include, name), join(headers, name));
  return headers;
}

function main(options) {
  const isStrict = options.includes('--strict');
  const wanted = targets.filter(({ name }) => !isCurrent(folder, libraryOf(name), [script]));
  // Rather none than one of older sources.
  for (const { name } of wanted) rmSync(libraryOf(name), { force: true });
  if (wanted.length === 0) return true;
  const missing = lacking();
  if (missing !== undefined) {
    const names = wanted.map(({ name }) => name).join(', ');
    console.error(`native: no prebuilt shims for ${names}: ${missing}. Debian: ${remedy}`);
    return !(isStrict && wanted.some(({ isRequired }) => isRequired));
  }
  const headers = headersOfUcx();
  try {
    return wanted.map((target) => make(target, headers, isStrict)).every(Boolean);
  } finally {
    rmSync(headers, { recursive: true });
  }
}

function libraryOf(name) {
  return join(here, 'prebuilt', name, 'millrace-ucx.so');
}

/** Whether it is built, or not needed. */
function make({ name, commands, debian, isRequired = false }, headers, isStrict) {
  const command = commands.find((each) => spawnSync(each, ['--version']).status === 0);
  if (command === undefined) {
    console.error(
      `native: no prebuilt shim for ${name}: no compiler (${commands.join(', ')}). Debian: apt-get install -y ${debian}`,
    );
    return !(isStrict && isRequired);
  }
  const library = libraryOf(name);
  // Nothing of the machine that builds it: no path, no number of the build, no symbols. Each compiler makes other bytes.
  buildShim(folder, library, { command, flags: ['-idirafter', headers, '-s', '-Wl,--build-id=none'] });
  console.error(`native: built ${library}`);
  return true;
}

exit(main(argv.slice(2)) ? 0 : 1);
