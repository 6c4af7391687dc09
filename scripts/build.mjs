// Compiles everything: generated protocols; src -> dist, and its core into one file; the page of the dashboard; native shims if there is a compiler; tests ->
// build/test; examples; bench -> build/bench. Each step is incremental, so a build with nothing to do takes about a second.
// `--src` stops after dist.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBundle, STALE } from './bundle.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = 'node_modules/typescript/bin/tsc';
const cli = 'dist/cli/millrace.js';
/** The first output of scripts/bundle.mjs. */
const CORE = 'dist/core.js';

run('scripts/generate.mjs');
prune('src', 'dist');
run(tsc, '-p', 'tsconfig.json');
if (isNewerThan('dist/vendor/LICENSES.txt', ['package-lock.json', 'scripts/vendor.mjs'])) run('scripts/vendor.mjs');
if (isNewerThan(CORE, ['src', 'package.json', 'scripts/bundle.mjs', 'dist/.tsbuildinfo'])) {
  copyPlain();
  bundle();
}
if (isNewerThan('dist/page/LICENSES.txt', ['page', 'package-lock.json', 'scripts/page.mjs'])) run('scripts/page.mjs');
makeExecutable(cli);
// Links of earlier checkouts lead there.
makeExecutable('dist/cli/main.js');
run('native-shims/build.mjs', '--if-able');
if (!process.argv.includes('--src')) {
  prune('test', 'build/test');
  run(tsc, '-p', 'test/tsconfig.json');
  for (const project of [...projectsIn('examples'), ...projectsIn('create-millrace/templates')]) buildProject(project);
  buildBench();
}

/** Writes the bundles. If a module has left them, compiles everything again. */
function bundle() {
  const child = start('scripts/bundle.mjs');
  if (child.status !== STALE) return ended(child, 'scripts/bundle.mjs');
  rmSync(join(root, 'dist/.tsbuildinfo'));
  run(tsc, '-p', 'tsconfig.json');
  run('scripts/bundle.mjs');
}

/** Runs a Node program of the repository. A failure ends the build. */
function run(program, ...args) {
  ended(start(program, ...args), program, ...args);
}

function start(program, ...args) {
  return spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

function ended(child, program, ...args) {
  if (child.status === 0) return;
  const cause = child.error?.message ?? child.signal ?? `exit code ${child.status}`;
  console.error(`build: ${program} ${args.join(' ')} failed (${cause})`);
  process.exit(1);
}

/** Removes the output of deleted sources: tsc leaves it there, and mocha would run it. */
function prune(sources, outputs) {
  if (!existsSync(join(root, outputs))) return;
  for (const name of readdirSync(join(root, outputs), { recursive: true })) {
    const match = /^(.*?)(\.js|\.js\.map|\.d\.ts)$/.exec(name);
    if (match === null || (outputs === 'dist' && isBundle(name)) || /^(browser|cjs|page|vendor)\//.test(name)) continue;
    if (existsSync(join(root, sources, `${match[1]}.ts`))) continue;
    if (existsSync(join(root, sources, `${match[1]}.js`))) continue;
    rmSync(join(root, outputs, name));
  }
}

/** tsc reads the .js, .cjs and declarations that lie in src, and leaves them where they are: they belong into dist too. */
function copyPlain() {
  for (const name of ['vendored.cjs', 'vendored.d.cts']) cpSync(join(root, 'src', name), join(root, 'dist', name));
  const from = join(root, 'src/protocol/generated');
  if (!existsSync(from)) return;
  cpSync(from, join(root, 'dist/protocol/generated'), {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => statSync(path).isDirectory() || /\.(js|d\.ts)$/.test(path),
  });
}

/** The projects in a folder: the examples, and the templates of create-millrace. */
function projectsIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}`)
    .filter((path) => existsSync(join(root, path, 'tsconfig.json')));
}

/** Makes the command executable for `npx millrace`: tsc does not. */
function makeExecutable(path) {
  if (existsSync(join(root, path))) chmodSync(join(root, path), 0o755);
}

/** A project's own protocols are in its protos/, and what `millrace gen` makes of them in its gen/. */
function buildProject(path) {
  const protos = join(root, path, 'protos');
  if (existsSync(protos)) {
    const files = readdirSync(protos).filter((name) => name.endsWith('.proto'));
    run(cli, 'gen', ...files.map((name) => `${path}/protos/${name}`), '--out', `${path}/gen`, '--quiet');
  }
  run(tsc, '-p', path);
}

/** The generated modules lie where compiled code looks for them: beside both, the sources and what they become. */
function buildBench() {
  prune('bench', 'build/bench');
  const protos = ['bench', 'far', 'load', 'values'].map((name) => `bench/protos/${name}.proto`);
  run(cli, 'gen', ...protos, '--out', 'bench/gen', '--views', '--quiet');
  generateWithProtobufjs('bench/gen/protobufjs.js', ['protos/millrace/v1/envelope.proto', 'bench/protos/values.proto']);
  cpSync(join(root, 'bench/gen'), join(root, 'build/bench/gen'), { recursive: true, preserveTimestamps: true });
  run(tsc, '-p', 'bench');
}

/** What protobufjs makes of the same messages: what the codec is measured against. It takes a second, so only when needed. */
function generateWithProtobufjs(output, protos) {
  if (!isNewerThan(output, protos)) return;
  const options = [
    '-t',
    'static-module',
    '-w',
    'esm',
    '--dependency',
    'protobufjs/minimal.js',
    '-p',
    'protos',
    '--dts',
  ];
  run('node_modules/protobufjs-cli/bin/pbjs', ...options, '-o', output, ...protos);
}

/** True if a source (a file, or a file in a folder) has changed since `output` was made. */
function isNewerThan(output, sources) {
  if (!existsSync(join(root, output))) return true;
  const madeAtMs = timeOf(output);
  return sources.some((source) => {
    if (!statSync(join(root, source)).isDirectory()) return timeOf(source) > madeAtMs;
    return readdirSync(join(root, source), { recursive: true }).some((name) => timeOf(join(source, name)) > madeAtMs);
  });
}

function timeOf(path) {
  return statSync(join(root, path)).mtimeMs;
}
