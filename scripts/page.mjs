// Makes the page of `millrace/dashboard`: checks the types of page/, and joins it with Preact, htm and uPlot into dist/page, with their licences.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, 'page');
const folder = join(root, 'dist/page');

const checked = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'page'], {
  cwd: root,
  stdio: 'inherit',
});
if (checked.status !== 0) process.exit(1);
mkdirSync(folder, { recursive: true });
const { metafile } = await build({
  entryPoints: [join(sources, 'main.ts')],
  outfile: join(folder, 'page.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'none',
  metafile: true,
  absWorkingDir: root,
});
await build({
  entryPoints: [join(sources, 'page.css')],
  outfile: join(folder, 'page.css'),
  bundle: true,
  minify: true,
});
const html = readFileSync(join(sources, 'index.html'), 'utf8');
writeFileSync(join(folder, 'index.html'), html.replaceAll(/\n\s*/g, '\n'));
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
);
writeFileSync(
  join(folder, 'LICENSES.txt'),
  [...packages]
    .toSorted((a, b) => a.localeCompare(b))
    .map(licenceOf)
    .join('\n\n'),
);

function licenceOf(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, path)).find((each) => /^licen[cs]e/i.test(each));
  const text =
    file !== undefined && existsSync(join(root, path, file)) ? readFileSync(join(root, path, file), 'utf8') : license;
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
