/**
 * Runs where Node resolves and loads imports, for `millrace dev` and `millrace up`. A module that is loaded as `file.js?millrace-version=3` has the files that it imports loaded as
 * that version, too. Each import may be told to the main thread. The files of a folder may have been copied to a stage: then each version is read from its copy, whatever the folder
 * has by now. Packages are loaded once: they are imported by name.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';

/** One import, by the URLs of both modules with their versions. */
export interface ToldImport {
  readonly parent: string;
  readonly child: string;
}

/** A folder whose versions were copied: version 3 of `folder/till.js` is `root/3/till.js`. */
export interface Staged {
  readonly folder: string;
  readonly root: string;
}

export interface HooksData {
  readonly port?: MessagePort | undefined;
  readonly staged?: Staged | undefined;
}

const VERSION = 'millrace-version';
let given: HooksData = {};

export const initialize: InitializeHook<HooksData> = (data) => {
  given = data;
};

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  try {
    return resolvedAs(specifier, context.parentURL, await nextResolve(specifier, context));
  } catch (error) {
    return { url: stagedUrl(specifier, context.parentURL, error), shortCircuit: true };
  }
};

export const load: LoadHook = async (url, context, nextLoad) =>
  loadedFrom(url, context.format) ?? nextLoad(url, context);

/** The same for `registerHooks` of Node 22.15 and later, which needs no thread. */
export const sync = {
  resolve: <Context extends { readonly parentURL?: string | undefined }, Resolved extends { url: string }>(
    specifier: string,
    context: Context,
    nextResolve: (specifier: string, context: Context) => Resolved,
  ) => {
    try {
      return resolvedAs(specifier, context.parentURL, nextResolve(specifier, context));
    } catch (error) {
      return { url: stagedUrl(specifier, context.parentURL, error), shortCircuit: true };
    }
  },
  load: <Context extends { readonly format?: string | null | undefined }, Loaded>(
    url: string,
    context: Context,
    nextLoad: (url: string, context: Context) => Loaded,
  ) => loadedFrom(url, context.format) ?? nextLoad(url, context),
};

/** The URL by which a file is loaded as one version. */
export function versioned(url: string, version: number | string): string {
  const named = new URL(url);
  named.searchParams.set(VERSION, String(version));
  return named.href;
}

/** The version of a module, by its URL; undefined for one that has none. */
function versionOf(url: string | undefined): string | undefined {
  return url?.startsWith('file:') === true ? (new URL(url).searchParams.get(VERSION) ?? undefined) : undefined;
}

function resolvedAs<Resolved extends { url: string }>(
  specifier: string,
  parent: string | undefined,
  resolved: Resolved,
): Resolved {
  const version = versionOf(parent);
  if (parent === undefined || version === undefined || !isOwn(specifier, resolved.url)) return resolved;
  const child = versioned(resolved.url, version);
  given.port?.postMessage({ parent, child } satisfies ToldImport);
  return { ...resolved, url: child };
}

/** Of a file that the folder does not have any more, or not yet. Throws `error` for any other. */
function stagedUrl(specifier: string, parent: string | undefined, error: unknown): string {
  const isPath = /^(\.|\/|file:)/.test(specifier);
  const url = isPath && URL.canParse(specifier, parent) ? new URL(specifier, parent).href : undefined;
  const version = versionOf(url) ?? versionOf(parent);
  if (url === undefined || version === undefined) throw error;
  const named = versioned(url, version);
  if (stagedPath(named) === undefined) throw error;
  return named;
}

/** Undefined for what is not staged. CommonJS modules are loaded by Node, from the folder. */
function loadedFrom(url: string, format: string | null | undefined) {
  const path = format === 'commonjs' ? undefined : stagedPath(url);
  if (path === undefined) return undefined;
  const usual = path.endsWith('.json') ? ('json' as const) : ('module' as const);
  return { format: format ?? usual, source: readFileSync(path), shortCircuit: true };
}

function stagedPath(url: string): string | undefined {
  const version = versionOf(url);
  if (version === undefined || given.staged === undefined) return undefined;
  const within = relative(given.staged.folder, fileURLToPath(url));
  const path = join(given.staged.root, version, within);
  return within.startsWith('..') || !existsSync(path) ? undefined : path;
}

/** A file of the user, and not of a package. */
function isOwn(specifier: string, url: string): boolean {
  return /^(\.|\/|#|file:)/.test(specifier) && url.startsWith('file:') && !url.includes('/node_modules/');
}
