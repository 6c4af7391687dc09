// Makes the folder of a new project from a template.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateError } from './create-error.js';

const folderOfTemplates = fileURLToPath(new URL('../templates', import.meta.url));
/** What a build leaves in a template while it is in a checkout. */
const BUILT = ['dist', 'gen', 'node_modules'];
/** A repository without a file is as good as an empty folder. */
const HARMLESS = ['.git', '.DS_Store'];

/** The templates, each with what it is for: `{ service: 'an HTTP service ...' }`. */
export function templates() {
  return Object.fromEntries(
    readdirSync(folderOfTemplates).map((name) => [
      name,
      readJson(join(folderOfTemplates, name, 'package.json')).description,
    ]),
  );
}

/**
 * Makes a project in `folder`, which must be empty or not there yet. Returns `{ folder, name }`: its absolute path, and the name of its
 * package. Throws CreateError, before anything is written.
 */
export function createProject(folder, template) {
  const known = Object.keys(templates());
  if (!known.includes(template)) {
    throw new CreateError(
      'UNKNOWN_TEMPLATE',
      `There is no template "${template}". Choose one of: ${known.join(', ')}.`,
    );
  }
  const target = resolve(folder);
  const name = packageName(basename(target));
  assertEmpty(target);
  mkdirSync(target, { recursive: true });
  const source = join(folderOfTemplates, template);
  for (const entry of readdirSync(source)) {
    if (!BUILT.includes(entry)) cpSync(join(source, entry), join(target, entry), { recursive: true });
  }
  // npm leaves a file .gitignore out of packages.
  renameSync(join(target, 'gitignore'), join(target, '.gitignore'));
  rename(join(target, 'package.json'), (text) => text.replace(/"name": "[^"]*"/, `"name": "${name}"`));
  rename(join(target, 'README.md'), (text) => text.replace(/^# .*/, `# ${name}`));
  return { folder: target, name };
}

function packageName(text) {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|[._-]+$/g, '');
  if (name !== '') return name;
  throw new CreateError(
    'BAD_NAME',
    `No package can be named after the folder "${text}". Choose a name with letters or digits.`,
  );
}

function assertEmpty(target) {
  let entries;
  try {
    entries = readdirSync(target);
  } catch (cause) {
    if (cause.code === 'ENOENT') return;
    if (cause.code === 'ENOTDIR')
      throw new CreateError('FOLDER_NOT_EMPTY', `${target} is a file. Choose another folder.`);
    throw cause;
  }
  const found = entries.filter((entry) => !HARMLESS.includes(entry));
  if (found.length === 0) return;
  throw new CreateError(
    'FOLDER_NOT_EMPTY',
    `${target} is not empty: it has ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', ...' : ''}. Choose another folder, or empty this one.`,
  );
}

function rename(path, change) {
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
