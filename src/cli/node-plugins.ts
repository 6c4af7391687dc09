/** The plugins that the command line of `millrace up` names: modules, of which each node loads the default export. */
import { pathToFileURL } from 'node:url';
import { isSecurity, type LoaderPlugin } from '../actors/component/index.js';
import { checkNodePlugins } from '../actors/governor/index.js';
import { messageOf, shownValue } from '../foreign.js';
import { importModule } from '../import-module.js';
import { ConfigError, type NodePlugins, type SecurityProvider } from '../index.js';

/** Resolves when it has started: nothing else is loaded before. Rejects where it cannot. */
export async function loadSecurity(path: string | undefined): Promise<SecurityProvider | undefined> {
  if (path === undefined) return undefined;
  const found = await defaultOf(path, '--security');
  if (!isSecurity(found)) throw noPlugin(path, '--security', 'what defineSecurity returns', found);
  try {
    await found.ready();
  } catch (cause) {
    throw new ConfigError(`Security provider "${found.name}" has not started, and so nothing is: ${messageOf(cause)}`, {
      cause,
    });
  }
  return found;
}

export async function loadLoader(path: string): Promise<LoaderPlugin> {
  const found = await defaultOf(path, '--loader');
  if (!isLoader(found)) throw noPlugin(path, '--loader', 'a function that returns a ComponentLoader', found);
  return found;
}

export async function loadPlugins(path: string | undefined): Promise<NodePlugins> {
  if (path === undefined) return {};
  const found = await defaultOf(path, '--plugins');
  if (!isPlugins(found)) throw noPlugin(path, '--plugins', 'an object of plugins', found);
  checkNodePlugins(`the default export of ${path}`, found);
  return found;
}

async function defaultOf(path: string, flag: string): Promise<unknown> {
  try {
    return (await importModule(pathToFileURL(path).href))['default'];
  } catch (cause) {
    throw new ConfigError(`${path} of ${flag} cannot be loaded: ${messageOf(cause)}`, { cause });
  }
}

function noPlugin(path: string, flag: string, what: string, found: unknown): ConfigError {
  return new ConfigError(`The default export of ${path} must be ${what} for ${flag}, not ${shownValue(found)}.`);
}

function isLoader(value: unknown): value is LoaderPlugin {
  return typeof value === 'function';
}

/** Its properties are checked apart. */
function isPlugins(value: unknown): value is NodePlugins {
  return typeof value === 'object' && value !== null;
}
