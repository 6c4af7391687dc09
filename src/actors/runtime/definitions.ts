import { ConfigError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { importPeerModule } from '../../import-module.js';
import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { definitionHash } from '../control-plane/index.js';
import { type Declared, declarePipeline } from './builder.js';
import { isPipeline, type Pipeline } from './pipeline.js';

/**
 * The definitions that one partition has rebuilt. Code is not sent, only its module's URL: the partition imports the module, calls its
 * declaring function with the same arguments, and compares hashes. A pipeline without a URL runs only where it was created.
 */
export class Definitions {
  readonly #scheduler: Scheduler;
  readonly #declared = new Map<string, Promise<Declared>>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Declares a pipeline of this process. Calls the declaring function twice, to detect one that is not pure. */
  add(pipeline: Pipeline, args: unknown): { readonly hash: string; readonly declared: Declared } {
    const declared = declarePipeline(pipeline, args);
    const hash = definitionHash(declared.definition);
    if (definitionHash(declarePipeline(pipeline, args).definition) !== hash) {
      throw new ConfigError(
        `Pipeline "${pipeline.name}" is built differently each time: its declaring function must be pure, and use no random numbers, clock or state.`,
      );
    }
    this.#declared.set(hash, Promise.resolve(declared));
    return { hash, declared };
  }

  /** The code of a definition. Rejects with ConfigError when its module is missing, or builds another definition here. */
  load(hash: string, fetch: () => Promise<v1.PipelineDefinition>): Promise<Declared> {
    let declared = this.#declared.get(hash);
    if (declared === undefined) {
      declared = fetch().then((definition) => this.#rebuild(hash, definition));
      this.#declared.set(hash, declared);
      declared.catch(() => this.#declared.delete(hash));
    }
    return declared;
  }

  /** Rejects with ConfigError when the module of a pipeline is missing, exports none, or builds another definition. */
  async verify(hash: string, { definition }: Declared): Promise<void> {
    await this.#rebuild(hash, definition);
  }

  async #rebuild(hash: string, { name, url, args }: v1.PipelineDefinition): Promise<Declared> {
    if (url === '') {
      throw new ConfigError(
        `Pipeline "${name}" has no module URL, so it runs only in the partition that created it: declare it with import.meta.url, or __filename in CommonJS, in a module of its own.`,
      );
    }
    const declared = declarePipeline(await importPipeline(url, this.#scheduler), JSON.parse(args));
    const found = definitionHash(declared.definition);
    if (found !== hash) {
      throw new ConfigError(
        `Pipeline "${name}" of ${url} is built differently here (${found}) than where it was started (${hash}): is its declaring function pure, and its module the same?`,
      );
    }
    return declared;
  }
}

/** The exports of a user's module, which another process may have named. Rejects with ConfigError when it cannot be loaded. */
export async function loadModule(url: string, scheduler: Scheduler): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await scheduler.outside(importPeerModule(url));
  } catch (cause) {
    const why = messageOf(cause);
    throw new ConfigError(`The module ${url} cannot be loaded: ${why}`, { cause });
  }
}

/** The default export of a module. Rejects with ConfigError when the module cannot be loaded, or the export is no pipeline. */
export async function importPipeline(url: string, scheduler: Scheduler): Promise<Pipeline> {
  const module = await loadModule(url, scheduler);
  const found = module['default'];
  if (!isPipeline(found)) {
    throw new ConfigError(
      `The module ${url} has no pipeline as its default export: export default pipeline(...). In a bundle, make the module an entry of its own, and give pipeline the URL of its output.`,
    );
  }
  return found;
}
