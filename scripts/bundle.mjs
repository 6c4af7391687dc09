// Joins the modules that `import 'millrace'` needs into one file, dist/core.js: loading them one by one takes longer than all that
// a runtime does until it is up (docs/decisions/0004-one-file-to-import.md). What tsc wrote for each of them becomes a line that
// exports the same names from that file, so that whoever imports any of them, by whatever path, has the same classes.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, 'src');
const outputs = join(root, 'dist');
const entries = ['index.ts', 'protocol/index.ts'];

const modules = await reachedFrom(entries);
refuseOwnPlaces(modules);
const bundle = await open(modules);
await bundle.write({
  dir: outputs,
  sourcemap: true,
  keepNames: true,
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  codeSplitting: { groups: [{ name: 'core', test: () => true }] },
});
await bundle.close();

/** Paths of all modules below src/ that are loaded with these; not those that are imported when they are needed. */
async function reachedFrom(paths) {
  const graph = await open(paths);
  const { output } = await graph.generate();
  await graph.close();
  const ids = output.flatMap((chunk) => (chunk.type === 'chunk' ? Object.keys(chunk.modules) : []));
  return ids.filter((id) => id.startsWith(sources)).map((id) => relative(sources, id));
}

function open(paths) {
  return rolldown({
    input: Object.fromEntries(paths.map((path) => [withoutEnding(path), join(sources, path)])),
    platform: 'node',
    treeshake: false,
    preserveEntrySignatures: 'allow-extension',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    external: (id) => !id.startsWith('.') && !id.startsWith(sources),
    plugins: [{ name: 'what-is-imported-when-needed', resolveId: leaveDynamicImports }],
  });
}

/** It stays where tsc wrote it. */
function leaveDynamicImports(source, importer, { kind }) {
  if (kind !== 'dynamic-import' || !source.startsWith('.')) return undefined;
  return { id: join(outputs, relative(sources, dirname(importer)), source), external: 'relative' };
}

/** What a module finds relative to its own place, it would look for beside dist/core.js. */
function refuseOwnPlaces(paths) {
  const wrong = paths.filter((path) =>
    /new URL\([^)]*import\.meta\.url/.test(readFileSync(join(sources, path), 'utf8')),
  );
  if (wrong.length === 0) return;
  console.error(
    `bundle: ${wrong.join(', ')} has URLs relative to itself, but becomes part of dist/core.js. Import it with import() where it is needed.`,
  );
  process.exit(1);
}

function withoutEnding(path) {
  return path.replace(/\.(ts|js)$/, '');
}
