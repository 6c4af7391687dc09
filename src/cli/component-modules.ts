/** What the modules of a folder of components export. */
import { fileURLToPath } from 'node:url';
import { type AnyContained, isContained } from '../actors/component/index.js';
import { importModule } from '../import-module.js';
import { ConfigError, type NetworkProgram } from '../index.js';

export interface ModuleExports {
  readonly components: readonly AnyContained[];
  /** The default export, where it is a function. */
  readonly program: NetworkProgram | undefined;
}

/** Time in ms that a module may take to load. */
const LOAD_MS = 30_000;

/** Loads the module by its URL, which may name a version of `file`. Rejects with what it throws, and with ConfigError. */
export async function loadExports(file: string, url: string): Promise<ModuleExports> {
  return exportsOf(file, await inTime(file, importModule(url)));
}

/** A component that another module of the folder declares is that one's. */
export function ownComponents(
  file: string,
  { components }: ModuleExports,
  listed: readonly string[],
): readonly AnyContained[] {
  return components.filter(({ url }) => {
    const declaring = url === undefined ? file : fileURLToPath(url);
    return declaring === file || !listed.includes(declaring);
  });
}

/** An import that awaits what never comes must not hold up the others. */
async function inTime<T>(file: string, loading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new ConfigError(`${file} has not loaded in ${LOAD_MS / 1_000} s: does it await something?`);
    timer = setTimeout(() => reject(error), LOAD_MS);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

function exportsOf(file: string, module: Readonly<Record<string, unknown>>): ModuleExports {
  // What a module exports under two names is one component.
  const components = new Set(Object.values(module).filter(isContained));
  for (const each of components) {
    if ([...components].some((other) => other !== each && other.name === each.name)) {
      throw new ConfigError(`${file} exports two components "${each.name}": give each a name of its own.`);
    }
  }
  const own = module['default'];
  return { components: [...components], program: isProgram(own) ? own : undefined };
}

function isProgram(value: unknown): value is NetworkProgram {
  return typeof value === 'function';
}
