// Before and after `npm pack`: the package has no source maps, since it has no sources, so its files must not name any.
// `strip` takes the lines that name a map out of dist/, `restore` puts them back for the debugger and for coverage. Files keep their times, by
// which the build knows what is stale.
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const MAP = /\n?\/\/# sourceMappingURL=\S+\s*$/;

const change = { strip, restore }[process.argv[2]];
if (change === undefined) throw new Error('Usage: node scripts/pack.mjs strip|restore');
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (!/\.[cm]?js$/.test(name) || !existsSync(`${path}.map`)) continue;
  const text = readFileSync(path, 'utf8');
  const changed = change(text, path);
  if (changed === text) continue;
  const { atime, mtime } = statSync(path);
  writeFileSync(path, changed);
  utimesSync(path, atime, mtime);
}

function strip(text) {
  return text.replace(MAP, '\n');
}

function restore(text, path) {
  return MAP.test(text) ? text : `${text}//# sourceMappingURL=${basename(path)}.map`;
}
