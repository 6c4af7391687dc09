// Builds the native shims, where a C compiler and the headers are: each folder here becomes build/millrace-<folder>.so. Says
// what is missing otherwise, and ends well, because everything but the ucx transport works without.
//   node native-shims/build.mjs            builds what is not there or older than its sources; fails without the means
//   node native-shims/build.mjs --if-able  the same, but ends well without the means
//   node native-shims/build.mjs --test     also builds the C test with AddressSanitizer, and runs it
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, env, exit, pid, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, 'build');
const strict = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-D_FORTIFY_SOURCE=2', '-pthread'];
const sanitized = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-g', '-O1', '-fno-omit-frame-pointer', '-pthread'];

/** What the machine lacks for building, or undefined. */
export function lacking() {
  if (platform !== 'linux') return `the ucx transport needs Linux; this is ${platform}`;
  if (spawnSync(compiler(), ['--version']).status !== 0) return `no C compiler (${compiler()})`;
  const probe = spawnSync(compiler(), ['-fsyntax-only', '-x', 'c', '-'], { input: '#include <ucp/api/ucp.h>\n' });
  return probe.status === 0 ? undefined : 'no ucp/api/ucp.h';
}

export const remedy = `apt-get install -y libucx0 libucx-dev gcc && node ${join(here, 'build.mjs')}`;

/** Builds the shim in `folder`; gives the path of the library. Throws when the compiler refuses. */
export function buildShim(folder, target = join(output, 'millrace-ucx.so')) {
  mkdirSync(dirname(target), { recursive: true });
  // Under another name first: a process that has the old one open keeps it, and no one ever loads half a library.
  const fresh = `${target}.${pid}`;
  compile([...strict, '-O2', '-fPIC', '-shared', '-o', fresh, ...sources(folder), '-ldl']);
  renameSync(fresh, target);
  return target;
}

/** Builds and runs the C test under AddressSanitizer; gives whether it passed. */
export function testShim(folder) {
  mkdirSync(output, { recursive: true });
  const program = join(output, `rings_test.${pid}`);
  const tests = readdirSync(join(folder, 'test')).map((name) => join(folder, 'test', name));
  compile([...sanitized, '-fsanitize=address,undefined', '-o', program, ...sources(folder), ...tests, '-ldl']);
  const child = spawnSync(program, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 300_000,
    env: { ...env, ASAN_OPTIONS: 'detect_leaks=1', LSAN_OPTIONS: `suppressions=${join(folder, 'leaks-of-ucx.txt')}` },
  });
  rmSync(program);
  return child.status === 0;
}

function compiler() {
  return env.CC ?? 'cc';
}

function sources(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name));
}

function compile(args) {
  const child = spawnSync(compiler(), args, { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${compiler()} failed: ${child.error?.message ?? child.stderr}`);
}

function isCurrent(folder, target) {
  if (!existsSync(target)) return false;
  const builtAt = statSync(target).mtimeMs;
  return readdirSync(folder).every((name) => statSync(join(folder, name)).mtimeMs < builtAt);
}

function main(options) {
  const folder = join(here, 'ucx');
  const target = join(output, 'millrace-ucx.so');
  const isCalm = options.includes('--if-able');
  if (!isCurrent(folder, target) || options.includes('--test')) {
    const complaint = lacking();
    if (complaint !== undefined) {
      console.error(`native: no shim for the ucx transport: ${complaint}. Debian: ${remedy}`);
      return isCalm;
    }
  }
  if (!isCurrent(folder, target)) {
    buildShim(folder, target);
    console.error(`native: built ${target}`);
  }
  return !options.includes('--test') || testShim(folder);
}

if (argv[1] !== undefined && fileURLToPath(import.meta.url) === argv[1]) exit(main(argv.slice(2)) ? 0 : 1);
