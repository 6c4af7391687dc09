// Compiles everything: generated protocols, src -> dist, tests -> build/test, examples. Each step is incremental, so a
// build with nothing to do takes about a second. `--src` stops after dist.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = 'node_modules/typescript/bin/tsc';
const cli = 'dist/cli/main.js';

run('scripts/generate.mjs');
prune('src', 'dist');
run(tsc, '-p', 'tsconfig.json');
copyGenerated();
makeExecutable(cli);
if (!process.argv.includes('--src')) {
  prune('test', 'build/test');
  run(tsc, '-p', 'test/tsconfig.json');
  for (const example of examples()) buildExample(example);
}

/** Runs a Node program of the repository; a failure ends the build. */
function run(program, ...args) {
  const child = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (child.status === 0) return;
  const cause = child.error?.message ?? child.signal ?? `exit code ${child.status}`;
  console.error(`build: ${program} ${args.join(' ')} failed (${cause})`);
  process.exit(1);
}

/** Removes what was compiled from files that are gone: tsc leaves it there, and mocha would run it. */
function prune(sources, outputs) {
  if (!existsSync(join(root, outputs))) return;
  for (const name of readdirSync(join(root, outputs), { recursive: true })) {
    const match = /^(.*?)(\.js|\.js\.map|\.d\.ts)$/.exec(name);
    if (match === null || existsSync(join(root, sources, `${match[1]}.ts`))) continue;
    if (existsSync(join(root, sources, `${match[1]}.js`))) continue;
    rmSync(join(root, outputs, name));
  }
}

/** tsc reads the generated .js and .d.ts, and leaves them where they are: they belong into dist too. */
function copyGenerated() {
  const from = join(root, 'src/protocol/generated');
  if (!existsSync(from)) return;
  cpSync(from, join(root, 'dist/protocol/generated'), {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => statSync(path).isDirectory() || /\.(js|d\.ts)$/.test(path),
  });
}

function examples() {
  const folder = join(root, 'examples');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => `examples/${name}`)
    .filter((path) => existsSync(join(root, path, 'tsconfig.json')));
}

/** tsc writes plain files; `npx millrace` runs this one. */
function makeExecutable(path) {
  if (existsSync(join(root, path))) chmodSync(join(root, path), 0o755);
}

/** An example's own protocols are in its protos/, and what `millrace gen` makes of them in its gen/. */
function buildExample(path) {
  const protos = join(root, path, 'protos');
  if (existsSync(protos)) {
    const files = readdirSync(protos).filter((name) => name.endsWith('.proto'));
    run(cli, 'gen', ...files.map((name) => `${path}/protos/${name}`), '--out', `${path}/gen`);
  }
  run(tsc, '-p', path);
}
