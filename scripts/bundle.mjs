// Joins the modules that `import 'millrace'` needs into one file, dist/core.js: loading them one by one takes longer than all that
// a runtime does until it is up (docs/decisions/0004-one-file-to-import.md). What tsc wrote for each of them becomes a line that
// exports the same names from that file, so that whoever imports any of them, by whatever path, has the same classes.
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

/** Exit code when files of dist/ lead into the core that are no part of it any more: they have to be compiled again. */
export const STALE = 3;

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const modules = await reachedFrom(entries);
  if (leadsAstray(modules)) exit(STALE);
  const bundle = await open(modules);
  await bundle.write(output);
  await bundle.close();
}

/** The text of dist/core.js if the file `path` had the text `replacement`. Throws for one that is no part of it. */
export async function coreWith(path, replacement) {
  const modules = await reachedFrom(entries);
  if (!modules.includes(relative('src', path))) throw new Error(`${path} is no part of dist/core.js`);
  const bundle = await open(modules, { [join(root, path)]: replacement });
  const { output: files } = await bundle.generate(output);
  await bundle.close();
  return files.find(({ fileName }) => fileName === 'core.js').code;
}

/** Paths of all modules below src/ that are loaded with these; not those that are imported when they are needed. */
async function reachedFrom(paths) {
  const graph = await open(paths);
  const { output: files } = await graph.generate();
  await graph.close();
  const ids = files.flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []));
  return ids.filter((id) => id.startsWith(sources)).map((id) => relative(sources, id));
}

/** A module that left the core still has the line that led there, and tsc takes that for its own work. */
function leadsAstray(modules) {
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

/** What is imported only when it is needed, and what has an eye on its own place, stays where tsc wrote it. */
function leaveFiles(source, importer, { kind }) {
  if (!source.startsWith('.')) return undefined;
  const path = join(dirname(importer), source);
  if (kind !== 'dynamic-import' && !knowsItsPlace(path.replace(/\.js$/, '.ts'))) return undefined;
  // From dist/core.js, where everything else is.
  return { id: `./${relative(sources, path)}`, external: true };
}

/** In dist/core.js it would be at another place. By itself it may import nothing of the core, which is not there yet when it is loaded. */
function knowsItsPlace(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (!/new URL\([^)]*import\.meta\.url/.test(text)) return false;
  if (!/^(import|export) (?!type\b)[^;]*from '\.\.?\//m.test(text)) return true;
  throw new Error(
    `${path} has URLs relative to itself, and imports files of dist/core.js: import it with import() where it is needed`,
  );
}
