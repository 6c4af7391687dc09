/** Loads modules again and again, with the files that they import. */
import { register } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { isRecord } from '../foreign.js';
import { packageFile } from '../installation.js';
import { loadExports, type ModuleExports } from './component-modules.js';
import { type HooksData, type Staged, versioned } from './version-hooks.js';

/** What one attempt to load a module has given. */
export interface LoadedModule {
  /** The module and the files that it imports, as far as it was loaded. Those of packages are not among them. */
  readonly files: ReadonlySet<string>;
  readonly result: ModuleExports | { readonly error: unknown };
}

/** One for each process: the hooks of Node's loader cannot be removed. */
export class ModuleVersions {
  readonly #told = new MessageChannel();
  /** URLs of the files that a file imports, by its own; with their versions. */
  readonly #imports = new Map<string, Set<string>>();
  #version = 0;

  /** With a stage, each version is read from its copy there. */
  constructor(staged?: Staged) {
    const { port2: port } = this.#told;
    register(hooksUrl(), { data: { port, staged } satisfies HooksData, transferList: [port] });
  }

  /** What is loaded from now on is loaded anew, as this version. */
  next(): number {
    this.#version++;
    this.#imports.clear();
    return this.#version;
  }

  async load(file: string): Promise<LoadedModule> {
    const url = versioned(pathToFileURL(file).href, this.#version);
    try {
      const result = await loadExports(file, url);
      return { files: this.#filesOf(url), result };
    } catch (error) {
      return { files: this.#filesOf(url), result: { error } };
    }
  }

  #filesOf(url: string): ReadonlySet<string> {
    this.#hear();
    const urls = new Set([url]);
    for (const each of urls) for (const child of this.#imports.get(each) ?? []) urls.add(child);
    return new Set([...urls].map((each) => fileURLToPath(each)));
  }

  /** An import is told before its module is loaded. */
  #hear(): void {
    for (let told = receiveMessageOnPort(this.#told.port1); told; told = receiveMessageOnPort(this.#told.port1)) {
      const message: unknown = told.message;
      if (!isRecord(message)) continue;
      const { parent, child } = message;
      if (typeof parent !== 'string' || typeof child !== 'string') continue;
      const children = this.#imports.get(parent) ?? new Set();
      this.#imports.set(parent, children.add(child));
    }
  }
}

/** Options of Node by which another process reads the versions of a stage, too. */
export function stagedOptions(staged: Staged): readonly string[] {
  const [hooks, data] = [JSON.stringify(hooksUrl()), JSON.stringify({ staged } satisfies HooksData)];
  const program =
    `import * as node from 'node:module'; import * as hooks from ${hooks}; ` +
    `if (node.registerHooks) { hooks.initialize(${data}); node.registerHooks(hooks.sync); } ` +
    `else node.register(${hooks}, { data: ${data} });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`];
}

function hooksUrl(): string {
  return pathToFileURL(packageFile('dist/cli/version-hooks.js', 'It loads changed modules anew.')).href;
}
