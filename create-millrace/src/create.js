// Makes the folder of a new project from a template.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateError } from './create-error.js';

const folderOfTemplates = fileURLToPath(new URL('../templates', import.meta.url));
/** What a build leaves in a template while it is in a checkout. */
const BUILT = ['dist', 'gen', 'node_modules'];
/** A repository without a file is as good as an empty folder. */
const HARMLESS = ['.git', '.DS_Store'];
/** Names that npm keeps for itself. */
const KEPT_BY_NPM = ['node_modules', 'favicon.ico'];
/** Characters that npm lets a name have. */
const LONGEST_NAME = 214;
/** What errors of the system mean here. */
const WHY = {
  EACCES: 'you may not write there (EACCES)',
  EPERM: 'you may not write there (EPERM)',
  EROFS: 'nothing can be written there (EROFS)',
  ENOSPC: 'the disk is full (ENOSPC)',
  ENOTDIR: 'a part of its path is a file (ENOTDIR)',
};

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
 * package. Throws CreateError: before anything is written, unless the system refuses a file.
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
  const source = join(folderOfTemplates, template);
  const name = packageName(basename(target), readJson(join(source, 'package.json')));
  try {
    assertEmpty(target);
    fill(target, source, name);
  } catch (cause) {
    throw refusedBySystem(target, cause);
  }
  return { folder: target, name };
}

function fill(target, source, name) {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(source)) {
    if (!BUILT.includes(entry)) cpSync(join(source, entry), join(target, entry), { recursive: true });
  }
  // npm leaves a file .gitignore out of packages.
  renameSync(join(target, 'gitignore'), join(target, '.gitignore'));
  rename(join(target, 'package.json'), (text) => text.replace(/"name": "[^"]*"/, `"name": "${name}"`));
  rename(join(target, 'README.md'), (text) => text.replace(/^# .*/, `# ${name}`));
}

/** The name of the package, as npm's rules want it. A package cannot depend on one with its own name. */
function packageName(text, { dependencies = {}, devDependencies = {} }) {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|[._-]+$/g, '');
  const why = badNameBecause(name, { ...dependencies, ...devDependencies });
  if (why === undefined) return name;
  throw new CreateError('BAD_NAME', `No package can be named after the folder "${text}": ${why}.`);
}

function badNameBecause(name, dependencies) {
  if (name === '') return 'choose a name with letters or digits';
  if (name.length > LONGEST_NAME) return `npm takes ${LONGEST_NAME} characters at most, and these are ${name.length}`;
  if (KEPT_BY_NPM.includes(name)) return `npm keeps "${name}" for itself`;
  if (Object.hasOwn(dependencies, name)) return `the project depends on the package "${name}"`;
  return undefined;
}

function assertEmpty(target) {
  let entries;
  try {
    entries = readdirSync(target);
  } catch (cause) {
    if (cause.code === 'ENOENT') return;
    // It says so of a path below a file, too: then this throws it again.
    if (cause.code === 'ENOTDIR' && !statSync(target).isDirectory())
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

function refusedBySystem(target, cause) {
  if (cause instanceof CreateError || cause.syscall === undefined) return cause;
  const why = WHY[cause.code] ?? cause.message;
  return new CreateError('CANNOT_WRITE', `${target} cannot be made: ${why}. Choose another folder.`, { cause });
}

function rename(path, change) {
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
