/** Loads modules of the user by URL, in the forms in which ES modules, CommonJS and compiled TypeScript export their values. */
import { ConfigError } from './errors.js';
import { isRecord } from './foreign.js';

/** What Node prints first of an error that it found in a file: the file and the line. */
const PLACE = /^((?:file:|\/|[A-Za-z]:\\)\S.*:\d+)$/m;

/** The exports of a module. Rejects with what loading it throws; a SyntaxError says the file and the line. */
export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  let module: unknown;
  try {
    // Bundlers would look for what `url` may be among the files of the package.
    module = await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  } catch (error) {
    throw error instanceof SyntaxError ? await located(error, url) : error;
  }
  if (!isRecord(module)) return {};
  const own = module['default'];
  // TypeScript and bundlers mark what was an ES module before they made CommonJS of it.
  return isRecord(own) && own['__esModule'] === true ? own : module;
}

/**
 * As `importModule`, for a URL that another process may have sent. Rejects with ConfigError for what is no `file:` URL: a `data:` URL is code itself, and a peer
 * may name only code that is installed here.
 */
export async function importPeerModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  if (URL.canParse(url) && new URL(url).protocol === 'file:') return importModule(url);
  throw new ConfigError(`only file: URLs of modules are loaded, such as import.meta.url of a module that is installed`);
}

/** Node keeps the place of a SyntaxError to itself until it prints the error: the module, or one that it imports, may have it. */
async function located(error: SyntaxError, url: string): Promise<SyntaxError> {
  const place = PLACE.exec(error.stack?.split('\n', 1)[0] ?? '')?.[1] ?? (await placeThatNodePrints(url));
  return place === undefined ? error : new SyntaxError(`${error.message}, at ${place}`, { cause: error });
}

/**
 * Another process links the modules again, and prints where it failed. It runs none of them: a module that comes before them throws, should all be
 * linked there.
 */
async function placeThatNodePrints(url: string): Promise<string | undefined> {
  const { execFile } = await import('node:child_process');
  const program = `import 'data:text/javascript,throw 0'; import ${JSON.stringify(url)};`;
  const args = ['--input-type=module', '--eval', program];
  // It fails, which is what it is for.
  const stderr = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { timeout: 10_000 }, (_error, _stdout, printed) => resolve(printed));
  });
  const first = PLACE.exec(stderr)?.[1];
  return first?.startsWith('data:') === true ? undefined : first;
}
