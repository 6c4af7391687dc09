// Makes src/protocol/generated from protos/, before the main compilation needs its types, and a copy in dist, where it runs.
// The generator is compiled by itself first: it imports nothing generated. Does nothing when no input has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const generated = join(root, 'src/protocol/generated');
const copy = join(root, 'dist/protocol/generated');
const compiled = join(root, 'build/codegen');

const inputs = [
  ...filesBelow('protos', '.proto'),
  ...filesBelow('src/codegen', '.ts'),
  'src/errors.ts',
  'scripts/generate.mjs',
];
const stamp = hash(inputs);
if ([generated, copy].every((folder) => stampIn(folder) === stamp)) process.exit(0);

compileGenerator();
rmSync(generated, { recursive: true, force: true });
await generateAll();
rmSync(copy, { recursive: true, force: true });
cpSync(generated, copy, { recursive: true });
// Last: an interrupted run is repeated.
for (const folder of [generated, copy]) writeFileSync(join(folder, '.stamp'), stamp);

function compileGenerator() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const options = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--skipLibCheck', '--noCheck'];
  const places = ['--rootDir', 'src', '--outDir', 'build/codegen', '--ignoreConfig', 'src/codegen/index.ts'];
  const child = spawnSync(process.execPath, [tsc, ...options, ...places], { cwd: root, encoding: 'utf8' });
  if (child.status === 0) return;
  console.error(
    `generate: src/codegen does not compile\n${child.stdout ?? ''}${child.stderr ?? ''}${child.error?.message ?? ''}`,
  );
  process.exit(1);
}

async function generateAll() {
  const { generate } = await import(pathToFileURL(join(compiled, 'codegen/index.js')).href);
  const own = filesBelow('protos/millrace/v1', '.proto');
  const shipped = ['duration', 'empty', 'timestamp'].map((name) => `protos/google/protobuf/${name}.proto`);
  await generate({
    files: [...own, ...shipped].map((path) => join(root, path)),
    protoPath: [join(root, 'protos')],
    out: generated,
    modules: {
      // Types only, so that nothing generated imports the room that exports it.
      specifier: (path) => `${'../'.repeat(path.split('/').length)}service.js`,
      shipped: new Set(),
    },
  });
  writeBarrel(own);
}

/** What `src/protocol` exports as `v1`. The annotations mean something to the generator only, the envelope has a codec of its own. */
function writeBarrel(own) {
  const names = own.map((path) => relative('protos', path).replace(/\.proto$/, ''));
  const shown = names.filter((name) => !/\/(annotations|envelope)$/.test(name));
  const text = [
    '// Made by scripts/generate.mjs: do not edit.',
    ...shown.map((name) => `export * from './${name}.js';`),
    '',
  ].join('\n');
  mkdirSync(generated, { recursive: true });
  for (const name of ['index.js', 'index.d.ts']) writeFileSync(join(generated, name), text);
}

function filesBelow(folder, ending) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${String(name).replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(ending) && statSync(join(root, path)).isFile())
    .sort();
}

function hash(paths) {
  const digest = createHash('sha256');
  for (const path of paths)
    digest
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  return digest.digest('hex');
}

function stampIn(folder) {
  const path = join(folder, '.stamp');
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
