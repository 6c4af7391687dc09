// Bundles the modules of `import 'millrace'` into one file, dist/core.js: loading them one by one takes longer than the start of a runtime
// (docs/decisions/0004-one-file-to-import.md). The file of each module in dist/ becomes a line that re-exports its names from the bundle.
// So every import, by any path, gets the same classes. Then it writes all entry points as CommonJS to dist/cjs, with their declarations:
// `require('millrace')` loads those.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, 'src');
const outputs = join(root, 'dist');
const entries = ['index.ts', 'protocol/index.ts'];
const commonJs = join(outputs, 'cjs');

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
  await writeCommonJs(modules);
}

/** Writes CommonJS: one file for the core, one per entry point, and one per module that is imported dynamically. */
async function writeCommonJs(core) {
  rmSync(commonJs, { recursive: true, force: true });
  const paths = entryPoints().map((path) => path.replace(/\.js$/, '.ts'));
  const members = new Set(core.map((path) => join(sources, path)));
  const bundle = await open(
    paths,
    {},
    { name: 'require', transform: requirePackages, resolveId: leaveVendored, renderChunk: getBuiltins },
    'strict',
  );
  await bundle.write({
    dir: commonJs,
    format: 'cjs',
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'core', test: (id) => members.has(id) }] },
  });
  await bundle.close();
  writeFileSync(join(commonJs, 'package.json'), '{ "type": "commonjs" }\n');
  for (const path of declarationsOf(paths)) {
    mkdirSync(dirname(join(commonJs, path)), { recursive: true });
    cpSync(join(outputs, path), join(commonJs, path));
  }
}

/** The compiled modules that package.json exports: paths below dist/. */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.values(exports).flatMap((conditions) =>
    typeof conditions === 'string' ? [] : [relative('dist', conditions.import.default)],
  );
}

/** Paths below dist/ of the declarations of `paths`, and of all that they import. */
function declarationsOf(paths) {
  const found = new Set(paths.map((path) => path.replace(/\.ts$/, '.d.ts')));
  for (const path of found) {
    const text = readFileSync(join(outputs, path), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from |import\()["'](\.[^"']+)\.js["']/g)) {
      found.add(join(dirname(path), `${specifier}.d.ts`));
    }
  }
  return found;
}

/** Replaces `import('package')` by `require`: Jest, for example, does not support `import()` in CommonJS. */
function requirePackages(code) {
  return code.replaceAll(/\bimport\((["'])([^."'][^"']*)\1\)/g, 'Promise.resolve().then(() => require($1$2$1))');
}

/**
 * Takes the modules of Node from `process`: a bundler may put this CommonJS into an ES module, where the `require` that it leaves for modules
 * of Node throws.
 */
function getBuiltins(code) {
  return code.replaceAll(/\brequire\((["'])(node:[^"']+)\1\)/g, 'process.getBuiltinModule($1$2$1)');
}

/** Relative to dist/cjs, where all chunks are. */
function leaveVendored(source) {
  return source.endsWith('/vendored.cjs') ? { id: '../vendored.cjs', external: true } : undefined;
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

function open(
  paths,
  replacements = {},
  plugin = { name: 'sources', resolveId: leaveFiles },
  signatures = 'allow-extension',
) {
  return rolldown({
    input: Object.fromEntries(paths.map((path) => [path.replace(/\.(ts|js)$/, ''), join(sources, path)])),
    platform: 'node',
    treeshake: false,
    preserveEntrySignatures: signatures,
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    external: (id) => !id.startsWith('.') && !id.startsWith(sources),
    plugins: [{ name: 'replacements', load: (id) => replacements[id] }, plugin],
  });
}

/** Modules that are imported dynamically, and CommonJS modules, stay separate files. */
function leaveFiles(source, importer, { kind }) {
  if (!source.startsWith('.')) return undefined;
  const path = join(dirname(importer), source);
  if (kind !== 'dynamic-import' && !path.endsWith('.cjs')) return undefined;
  // Relative to dist/core.js.
  return { id: `./${relative(sources, path)}`, external: true };
}
