import { Deferred } from '../../../deferred.js';
import { ConfigError } from '../../../errors.js';
import type { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { loadModule } from '../definitions.js';
import { type Component, componentHash, isComponent } from './component.js';
import { isMainModule } from './main-module.js';

/** Components of the program's main module by their hash, which the partitions on its event loop share. */
export type MainComponents = Map<string, Component>;

/**
 * The components that one partition can start. Code is not sent, only its module's URL: the partition imports the module, looks for the
 * component by its name, and compares hashes. A component without a URL is started only where it was declared.
 */
export class Components {
  readonly #scheduler: Scheduler;
  readonly #ofMain: MainComponents;
  readonly #known = new Map<string, Component>();
  /** Those that wait for the module of a component. A module whose import never ends is imported once, and nobody waits for long. */
  readonly #waiting = new Map<string, Set<Deferred<Component>>>();

  constructor(scheduler: Scheduler, ofMain: MainComponents) {
    this.#scheduler = scheduler;
    this.#ofMain = ofMain;
  }

  /** Adds a component of this process. */
  add(component: Component): void {
    const hash = componentHash(component);
    this.#known.set(hash, component);
    // A main module that awaits `place` is still being evaluated: an import of it would wait for the place, and the place for the import.
    if (component.url !== undefined && isMainModule(component.url)) this.#ofMain.set(hash, component);
  }

  /**
   * Rejects with ConfigError when the module is missing, exports no such component, or exports another version of it, and with the reason of
   * `signal` when that is aborted.
   */
  async load(definition: v1.ComponentDefinition, hash: string, signal: AbortSignal): Promise<Component> {
    signal.throwIfAborted();
    const known = this.#known.get(hash) ?? this.#ofMain.get(hash);
    if (known !== undefined) return known;
    const waiting = this.#waiting.get(hash) ?? this.#begin(definition, hash);
    const loaded = new Deferred<Component>();
    const abandoned = (): void => loaded.reject(signal.reason);
    waiting.add(loaded);
    signal.addEventListener('abort', abandoned, { once: true });
    try {
      return await loaded.promise;
    } finally {
      waiting.delete(loaded);
      signal.removeEventListener('abort', abandoned);
    }
  }

  #begin(definition: v1.ComponentDefinition, hash: string): Set<Deferred<Component>> {
    const waiting = new Set<Deferred<Component>>();
    this.#waiting.set(hash, waiting);
    this.#import(definition, hash).then(
      (component) => {
        this.#known.set(hash, component);
        this.#waiting.delete(hash);
        for (const each of waiting) each.resolve(component);
      },
      (error: unknown) => {
        this.#waiting.delete(hash);
        for (const each of waiting) each.reject(error);
      },
    );
    return waiting;
  }

  async #import(wanted: v1.ComponentDefinition, hash: string): Promise<Component> {
    const { name, url } = wanted;
    if (url === '') {
      throw new ConfigError(
        `Component "${name}" has no module URL, so it is placed only in the partition that declares it: declare it with import.meta.url, or __filename in CommonJS, in a module that exports it.`,
      );
    }
    const exported = Object.values(await loadModule(url, this.#scheduler)).filter(isComponent);
    const found = exported.find((each) => each.name === name);
    if (found === undefined) {
      const others = exported.map((each) => `"${each.name}"`).join(', ') || 'none';
      throw new ConfigError(
        `The module ${url} exports no component "${name}": export const it = component(...). The components that it exports: ${others}.`,
      );
    }
    if (componentHash(found) !== hash) throw differs(wanted, found.definition);
    return found;
  }
}

function differs(wanted: v1.ComponentDefinition, found: v1.ComponentDefinition): ConfigError {
  const what =
    wanted.version === found.version
      ? 'its service, its methods or the type of its arguments differ'
      : `it is version "${found.version}" here, and "${wanted.version}" where it was placed`;
  return new ConfigError(
    `Component "${wanted.name}" of ${wanted.url} is another one here: ${what}. Install the same version of the module in both places.`,
  );
}
