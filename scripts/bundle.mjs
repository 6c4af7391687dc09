// Bundles the modules of `import 'millrace'` into one file, dist/core.js: loading them one by one takes longer than the start of a runtime
// (docs/decisions/0004-one-file-to-import.md). The file of each module in dist/ becomes a line that re-exports its names from the bundle.
// So every import, by any path, gets the same classes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, 'src');
const outputs = join(root, 'dist');
const entries = ['index.ts', 'protocol/index.ts'];

const output = {
  dir: outputs,
  sourcemap: true,
  keepNames: true,
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  codeSplitting: { groups: [{ name: 'core', test: () => true }] },
};

/** Exit code if dist/ has re-exports of modules that are no longer in the core: they must be compiled again. */
export const STALE = 3;

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const modules = await reachedFrom(entries);
  if (hasStaleReexports(modules)) exit(STALE);
  const bundle = await open(modules);
  await bundle.write(output);
  await bundle.close();
}

/** The text of dist/core.js with `replacement` as the text of the file `path`. Throws if the file is not part of it. */
export async function coreWith(path, replacement) {
  const modules = await reachedFrom(entries);
  if (!modules.includes(relative('src', path))) throw new Error(`${path} is not part of dist/core.js`);
  const bundle = await open(modules, { [join(root, path)]: replacement });
  const { output: files } = await bundle.generate(output);
  await bundle.close();
  return files.find(({ fileName }) => fileName === 'core.js').code;
}

/** Paths of all modules below src/ that these import statically. */
async function reachedFrom(paths) {
  const graph = await open(paths);
  const { output: files } = await graph.generate();
  await graph.close();
  const ids = files.flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []));
  return ids.filter((id) => id.startsWith(sources)).map((id) => relative(sources, id));
}

/** True if a module that left the core still has its re-export line. tsc would take that line for its own output. */
function hasStaleReexports(modules) {
  const lines = readdirSync(outputs, { recursive: true }).filter((path) => path.endsWith('.js') && path !== 'core.js');
  const members = new Set(modules.map((path) => path.replace(/\.ts$/, '.js')));
  return lines.some(
    (path) => !members.has(path) && /^(ex|im)port [^;]*core\.js";\s/.test(readFileSync(join(outputs, path), 'utf8')),
  );
}

function open(paths, replacements = {}) {
  return rolldown({
    input: Object.fromEntries(paths.map((path) => [path.replace(/\.(ts|js)$/, ''), join(sources, path)])),
    platform: 'node',
    treeshake: false,
    preserveEntrySignatures: 'allow-extension',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    external: (id) => !id.startsWith('.') && !id.startsWith(sources),
    plugins: [{ name: 'sources', resolveId: leaveFiles, load: (id) => replacements[id] }],
  });
}

/** Modules that are imported dynamically, or that use their own URL, stay separate files. */
function leaveFiles(source, importer, { kind }) {
  if (!source.startsWith('.')) return undefined;
  const path = join(dirname(importer), source);
  if (kind !== 'dynamic-import' && !usesItsUrl(path.replace(/\.js$/, '.ts'))) return undefined;
  // Relative to dist/core.js.
  return { id: `./${relative(sources, path)}`, external: true };
}

/** True for a module with URLs relative to itself: they would be wrong in dist/core.js. It must not import the core, which is not loaded yet. */
function usesItsUrl(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (!/new URL\([^)]*import\.meta\.url/.test(text)) return false;
  if (!/^(import|export) (?!type\b)[^;]*from '\.\.?\//m.test(text)) return true;
  throw new Error(
    `${path} has URLs relative to itself and imports files of dist/core.js: import it with import() where it is needed`,
  );
}
