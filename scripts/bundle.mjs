// Bundles the modules of dist/ into a few files, dist/core.js for those of `import 'millrace'`: loading them one by one takes longer than the
// start of a runtime (docs/decisions/0004-one-file-to-import.md). The file of each module becomes a line that re-exports its names from its
// bundle. So every import, by any path, gets the same classes. Then it writes all entry points as CommonJS to dist/cjs, with their declarations:
// `require('millrace')` loads those. And it writes `millrace/protocol` and `millrace/client` for browsers to dist/browser.
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

/** The bundles. Each has the modules that its entries import statically, but for those of the bundles before it. */
const parts = {
  core: entries,
  /** Links to other processes, and what the program of a hosted partition imports. */
  links: [
    'actors/runtime/external-transports.ts',
    'actors/runtime/hosting/hosted-partition.ts',
    'actors/runtime/hosting/index.ts',
    'actors/runtime/hosting/start.ts',
    'resources/execution/index.ts',
    'transport/handshake/index.ts',
    'transport/net/transport.ts',
    'transport/ucx/open-ucx.ts',
    'transport/ws/transport.ts',
    'transport/zmq/transport.ts',
  ],
  /** What the processes of a run import. */
  services: [
    'actors/services/index.ts',
    'actors/services/programs/global-services-process.ts',
    'actors/services/programs/node-process.ts',
    'actors/services/programs/role-start.ts',
  ],
  /** What the programs of the nodes of a run import, beside the core. */
  programs: [
    'cli/component-program.ts',
    'cli/component-session.ts',
    'cli/exit-codes.ts',
    'cli/folder-loader.ts',
    'cli/node-options.ts',
    'cli/node-plugins.ts',
    'cli/output.ts',
    'cli/program-args.ts',
  ],
  simulation: ['recording/index.ts', 'simulation/index.ts', 'testing/index.ts'],
  command: ['cli/command-line.ts'],
};
/** Modules that Node also loads alone, on a thread of its own that must not load a whole bundle. */
const alone = ['cli/version-hooks.ts'];

const HELPERS = 'rolldown-runtime.js';

/** Comments make a fifth of the bundles. Debuggers find them by the source maps, and editors in the declarations. */
const comments = { legal: true, annotation: true, jsdoc: false };

/** Exit code if dist/ has re-exports of modules that are no longer in a bundle: they must be compiled again. */
export const STALE = 3;

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const members = await membersOfParts();
  const modules = [...members.keys()];
  if (hasStaleReexports(modules)) exit(STALE);
  const bundle = await open(modules);
  await bundle.write(outputOf(members));
  await bundle.close();
  await writeCommonJs(modules.filter((path) => members.get(path) === 'core'));
  await writeBrowser();
}

/** The bundle of each module, by paths below src/. */
async function membersOfParts() {
  const members = new Map();
  for (const [name, paths] of Object.entries(parts)) {
    for (const path of await reachedFrom(paths)) if (!members.has(path)) members.set(path, name);
  }
  return members;
}

function outputOf(members) {
  const names = Object.keys(parts);
  return {
    dir: outputs,
    sourcemap: true,
    comments,
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: {
      groups: names.map((name, index) => ({
        name,
        priority: names.length - index,
        test: (id) => members.get(relative(sources, id)) === name,
      })),
    },
  };
}

/** Whether this is the name of a file that a bundle is written to, or of its source map. */
export function isBundle(name) {
  return Object.keys(parts).includes(name.replace(/\.js(\.map)?$/, ''));
}

/** Puts the few helpers of the bundler into each bundle that imports them from their own file: one file less to load. */
function joinHelpers(_options, files) {
  const { [HELPERS]: helpers, ...others } = files;
  if (helpers === undefined) return;
  // In the one line of the import: source maps stay right.
  const line = helpers.code.replace(/^import .*$|^export .*$|^\/\/.*$/gm, '').replaceAll(/\s+/g, ' ');
  for (const file of Object.values(others)) {
    if (file.type === 'chunk') file.code = file.code.replace(/^import [^;]*"\.\/rolldown-runtime\.js";/m, line);
  }
  for (const name of Object.keys(files)) if (name.startsWith(HELPERS)) delete files[name];
}

/** Writes what pages load: files of which each stands alone, and needs nothing of Node. Pages load that of clients as it is, so it is small. */
async function writeBrowser() {
  const written = { dir: join(outputs, 'browser'), entryFileNames: '[name].js' };
  const files = [
    { input: { protocol: join(sources, 'protocol/index.ts') }, output: { ...written, keepNames: true, minify: true } },
    { input: { client: join(sources, 'client/index.ts') }, output: { ...written, minify: true } },
  ];
  for (const { input, output } of files) {
    const bundle = await rolldown({
      input,
      platform: 'browser',
      resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    });
    await bundle.write(output);
    await bundle.close();
  }
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
    comments,
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
  const members = await membersOfParts();
  if (members.get(relative('src', path)) !== 'core') throw new Error(`${path} is not part of dist/core.js`);
  const bundle = await open([...members.keys()], { [join(root, path)]: replacement });
  const { output: files } = await bundle.generate(outputOf(members));
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

/** True if a module that left the bundles still has its re-export line. tsc would take that line for its own output. */
function hasStaleReexports(modules) {
  const lines = readdirSync(outputs, { recursive: true }).filter((path) => path.endsWith('.js') && !isBundle(path));
  const reexport = new RegExp(`^(ex|im)port [^;]*(${Object.keys(parts).join('|')})\\.js";\\s`);
  const members = new Set(modules.map((path) => path.replace(/\.ts$/, '.js')));
  return lines.some((path) => !members.has(path) && reexport.test(readFileSync(join(outputs, path), 'utf8')));
}

function open(
  paths,
  replacements = {},
  plugin = { name: 'sources', resolveId: leaveFiles, generateBundle: joinHelpers },
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

/** Modules that are imported dynamically or loaded alone, and CommonJS modules, stay separate files. */
function leaveFiles(source, importer, { kind }) {
  if (!source.startsWith('.')) return undefined;
  const path = join(dirname(importer), source);
  const isAlone = alone.includes(relative(sources, path).replace(/\.js$/, '.ts'));
  if (kind !== 'dynamic-import' && !path.endsWith('.cjs') && !isAlone) return undefined;
  // Relative to dist/, where the bundles are.
  return { id: `./${relative(sources, path)}`, external: true };
}
