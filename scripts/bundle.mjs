// Joins the modules that `import 'millrace'` needs into one file, dist/core.js: loading them one by one takes longer than all that
// a runtime does until it is up (docs/decisions/0004-one-file-to-import.md). What tsc wrote for each of them becomes a line that
// exports the same names from that file, so that whoever imports any of them, by whatever path, has the same classes.
// Then makes CommonJS of all entry points, in dist/cjs, with declarations of its own: what `require('millrace')` loads.
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

/** Exit code when files of dist/ lead into the core that are no part of it any more: they have to be compiled again. */
export const STALE = 3;

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const modules = await reachedFrom(entries);
  if (leadsAstray(modules)) exit(STALE);
  const bundle = await open(modules);
  await bundle.write(output);
  await bundle.close();
  await writeCommonJs(modules);
}

/** The modules of the core are one file here, too; each entry point and each module that is imported when it is needed is another. */
async function writeCommonJs(core) {
  rmSync(commonJs, { recursive: true, force: true });
  const paths = entryPoints().map((path) => path.replace(/\.js$/, '.ts'));
  const members = new Set(core.map((path) => join(sources, path)));
  const bundle = await open(
    paths,
    {},
    { name: 'require', transform: requirePackages, resolveId: leaveVendored },
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

/** Compiled modules that package.json exports, below dist/. */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.values(exports).flatMap((conditions) =>
    typeof conditions === 'string' ? [] : [relative('dist', conditions.import.default)],
  );
}

/** Paths below dist/ of the declarations that those of `paths` need. */
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

/** `import('package')` does not work everywhere in CommonJS (Jest, say). */
function requirePackages(code) {
  return code.replaceAll(/\bimport\((["'])([^."'][^"']*)\1\)/g, 'Promise.resolve().then(() => require($1$2$1))');
}

/** From dist/cjs, where all chunks are. */
function leaveVendored(source) {
  return source.endsWith('/vendored.cjs') ? { id: '../vendored.cjs', external: true } : undefined;
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

/** What is imported only when it is needed, and CommonJS, stays where tsc wrote it. */
function leaveFiles(source, importer, { kind }) {
  if (!source.startsWith('.')) return undefined;
  const path = join(dirname(importer), source);
  if (kind !== 'dynamic-import' && !path.endsWith('.cjs')) return undefined;
  // From dist/core.js, where everything else is.
  return { id: `./${relative(sources, path)}`, external: true };
}
