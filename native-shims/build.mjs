// Builds the native shim of the ucx transport for this machine: build/millrace-ucx.so. It needs a C compiler and the headers of UCX; without
// them it says what is missing. Everything but the ucx transport works without the shim, and packages bring shims that prebuild.mjs has made.
//   node native-shims/build.mjs            builds the shim if it is missing or older than its sources; fails if it cannot
//   node native-shims/build.mjs --if-able  the same, but succeeds if it cannot
//   node native-shims/build.mjs --test     also builds the C test with AddressSanitizer, and runs it
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, env, exit, pid, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(import.meta.url);
const here = dirname(script);
const output = join(here, 'build');
const strict = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-D_FORTIFY_SOURCE=2', '-pthread'];
const sanitized = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-g', '-O1', '-fno-omit-frame-pointer', '-pthread'];

/** What is missing to build the shim, or undefined. */
export function lacking() {
  if (platform !== 'linux') return `the ucx transport needs Linux; this is ${platform}`;
  if (spawnSync(compiler(), ['--version']).status !== 0) return `no C compiler (${compiler()})`;
  const probe = spawnSync(compiler(), ['-fsyntax-only', '-x', 'c', '-'], { input: '#include <ucp/api/ucp.h>\n' });
  return probe.status === 0 ? undefined : 'no ucp/api/ucp.h';
}

export const remedy = `apt-get install -y libucx0 libucx-dev gcc && node ${join(here, 'build.mjs')}`;

/**
 * Builds the shim of `folder`, with another compiler and further flags where they are given. Returns the path of the library. Throws if the
 * compiler fails.
 */
export function buildShim(folder, target = join(output, 'millrace-ucx.so'), { command = compiler(), flags = [] } = {}) {
  mkdirSync(dirname(target), { recursive: true });
  // Build under another name, then rename: a process that has the old library open keeps it, and none loads an incomplete one.
  const fresh = `${target}.${pid}`;
  compile([...strict, '-O2', '-fPIC', '-shared', ...flags, '-o', fresh, ...sources(folder), '-ldl'], command);
  renameSync(fresh, target);
  return target;
}

/** Builds and runs the C test under AddressSanitizer. Returns true if it passed. */
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

/** The C compiler for this machine. */
export function compiler() {
  return env.CC ?? 'cc';
}

function sources(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name));
}

function compile(args, command = compiler()) {
  const child = spawnSync(command, args, { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${command} failed: ${child.error?.message ?? child.stderr}`);
}

/** Whether the library is there, and newer than its sources and the scripts that build it: this one, and `scripts`. */
export function isCurrent(folder, target, scripts = []) {
  if (!existsSync(target)) return false;
  const builtAt = statSync(target).mtimeMs;
  const inputs = readdirSync(folder).map((name) => join(folder, name));
  return [...inputs, script, ...scripts].every((path) => statSync(path).mtimeMs < builtAt);
}

function main(options) {
  const folder = join(here, 'ucx');
  const target = join(output, 'millrace-ucx.so');
  const isOptional = options.includes('--if-able');
  if (!isCurrent(folder, target) || options.includes('--test')) {
    const missing = lacking();
    if (missing !== undefined) {
      console.error(`native: no shim for the ucx transport: ${missing}. Debian: ${remedy}`);
      return isOptional;
    }
  }
  if (!isCurrent(folder, target)) {
    buildShim(folder, target);
    console.error(`native: built ${target}`);
  }
  return !options.includes('--test') || testShim(folder);
}

if (argv[1] !== undefined && fileURLToPath(import.meta.url) === argv[1]) exit(main(argv.slice(2)) ? 0 : 1);
