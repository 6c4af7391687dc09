/**
 * Where the files of this package are while it runs: as ES modules in dist/, as CommonJS in dist/cjs/, or joined with a user's code into a
 * bundle, beside which a package may or may not be installed. The only file of src that uses `import.meta.url`. Everything
 * is looked up when it is needed, so that loading a bundle needs no file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, ResourceError } from './errors.js';
import { codeOf, isRecord, messageOf } from './foreign.js';

const NAME = 'millrace';
/** Folders between the package and its deepest file. */
const MAX_DEPTH = 6;

/** Folder of the package: the one this file belongs to, or else the one that is installed where a bundle runs. Undefined without either. */
function packageFolder(): string | undefined {
  return ownFolder() ?? installedFolder();
}

/**
 * Folders and files whose lines on a stack are Millrace's and not the user's. Empty in a bundle, where one file has both.
 */
export function ownCode(): readonly string[] {
  const folder = ownFolder();
  return folder === undefined ? [] : ['dist', 'src'].map((name) => join(folder, name) + sep);
}

/** The first line of a stack that is the user's own code, as far as that can be told: which line of a program has called. */
export function callerIn(stack: string | undefined): string {
  const own = ownCode();
  const lines = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  // The first line is the function of ours that was called.
  const callers = lines.slice(1);
  const line = callers.find((text) => !text.includes('node:') && !own.some((folder) => text.includes(folder)));
  return (line ?? callers[0] ?? 'an unknown place').trim().replace(/^at /, '').replaceAll('file://', '');
}

/** A file of the package, by its path from there. ResourceError in a bundle without the package; `need` is a sentence that says what needs it. */
export function packageFile(path: string, need: string): string {
  const folder = packageFolder();
  if (folder !== undefined) return join(folder, path);
  throw new ResourceError(
    `${need} It is the file ${path} of the package millrace, which is not installed here: this program is a bundle. Run npm install millrace beside the bundle.`,
  );
}

/**
 * What a package.json says, with or without a byte order mark: nothing if it holds no object. Undefined where there is no such file.
 * ConfigError for one that cannot be read or is not JSON.
 */
export function readManifest(path: string): Readonly<Record<string, unknown>> | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}.`, { cause });
  }
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(content) ? content : {};
  } catch (cause) {
    throw new ConfigError(`${path} is not JSON: ${messageOf(cause)}.`, { cause });
  }
}

/** The compiled module `path`, of the same format as this one. Undefined in a bundle without the package. */
export function compiledModule(path: string): string | undefined {
  const folder = packageFolder();
  if (folder === undefined) return undefined;
  const isCommonJs = ownPlaces().some((place) => relative(folder, place).startsWith(join('dist', 'cjs')));
  const file = join(folder, 'dist', isCommonJs ? 'cjs' : '', path);
  return existsSync(file) ? file : undefined;
}

/**
 * Loads an npm package that no bundle can contain, because it has native code: from Millrace's own dependencies, or from those of the
 * program. Throws what Node throws for a package that is missing.
 */
export function requireNative(name: string): unknown {
  let failure: unknown;
  for (const place of ownPlaces()) {
    try {
      return requireFrom(place)(name);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** `createRequire`, which bundlers would try to follow if they saw it imported. */
function requireFrom(place: string): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(place);
}

function ownFolder(): string | undefined {
  for (const place of ownPlaces()) {
    let folder = dirname(place);
    for (let depth = 0; depth < MAX_DEPTH; depth++, folder = dirname(folder)) {
      if (isPackage(folder)) return folder;
    }
  }
  return undefined;
}

function isPackage(folder: string): boolean {
  try {
    return readManifest(join(folder, 'package.json'))?.['name'] === NAME;
  } catch {
    // A file of others, which is none of Millrace's business.
    return false;
  }
}

function installedFolder(): string | undefined {
  for (const place of ownPlaces()) {
    try {
      return dirname(requireFrom(place).resolve(`${NAME}/package.json`));
    } catch {
      // Not from there.
    }
  }
  return undefined;
}

/**
 * Files that this code may be part of, the surest first. Bundlers leave `import.meta` empty in CommonJS, or write the place of the
 * source into it, which may not exist where the bundle runs.
 */
function ownPlaces(): readonly string[] {
  const url: string | undefined = import.meta.url;
  const places = [
    url?.startsWith('file:') === true ? fileURLToPath(url) : undefined,
    typeof __filename === 'string' ? __filename : undefined,
    process.argv[1],
    join(process.cwd(), 'package.json'),
  ];
  return places.flatMap((place) => (place !== undefined && existsSync(dirname(place)) ? [place] : []));
}

/**
 * A part of the package that is imported when it is first needed. Rejects with ResourceError where no descriptors are left to read its
 * files with: Node opens all files of an import at once.
 */
export async function loadPart<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (cause) {
    const who = whoLacksFiles(cause);
    if (who === undefined) throw cause;
    throw new ResourceError(
      `A part of Millrace cannot be loaded: ${who} has too many open files. Raise the limit: ulimit -n 1024, or LimitNOFILE= of systemd.`,
      { cause },
    );
  }
}

/** Newer Nodes have these faults only in the message of an error, where the file is a package.json. */
function whoLacksFiles(error: unknown): string | undefined {
  const [code, message] = [codeOf(error), messageOf(error)];
  if (code === 'EMFILE' || message.includes('too many open files')) return 'this process';
  return code === 'ENFILE' || message.includes('file table overflow') ? 'this machine' : undefined;
}
