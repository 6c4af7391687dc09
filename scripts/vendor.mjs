// Copies the npm packages that src/vendored.cjs loads into dist/vendor, each as one CommonJS file, and their licences beside them. So a
// user's bundle can contain them: bundlers to ES modules leave `require` of Node's own modules in CommonJS packages, and it fails there.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'dist/vendor');
const BUILTIN = '\0node:';

mkdirSync(folder, { recursive: true });
const packages = new Set();
for (const name of ['winston', 'sax']) await copy(name);
writeFileSync(
  join(folder, 'LICENSES.txt'),
  [...packages]
    .toSorted((a, b) => a.localeCompare(b))
    .map(licenceOf)
    .join('\n\n'),
);

async function copy(name) {
  const bundle = await rolldown({
    input: { [name]: `vendored:${name}` },
    platform: 'node',
    plugins: [{ name: 'vendor', resolveId, load }],
  });
  const { output } = await bundle.write({
    dir: folder,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    codeSplitting: false,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await bundle.close();
  for (const { modules } of output) {
    for (const id of Object.keys(modules)) {
      const [path] = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id) ?? [];
      if (path !== undefined && !id.startsWith('\0')) packages.add(path);
    }
  }
}

function resolveId(source) {
  if (source.startsWith('vendored:')) return `\0${source}`;
  const name = source.replace(/^node:/, '').replace(/\/$/, '');
  // `string_decoder/` means the package; Node's own module does the same.
  return builtinModules.includes(name) ? BUILTIN + name : undefined;
}

function load(id) {
  if (id.startsWith('\0vendored:')) {
    const path = fileURLToPath(import.meta.resolve(id.slice('\0vendored:'.length)));
    return { code: `module.exports = require(${JSON.stringify(path)});`, moduleType: 'js' };
  }
  if (!id.startsWith(BUILTIN)) return undefined;
  return { code: `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice(1))});`, moduleType: 'js' };
}

function licenceOf(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file !== undefined && existsSync(join(path, file)) ? readFileSync(join(path, file), 'utf8').trim() : '';
  return `${name} ${version} (${license})\n\n${text}\n`;
}
