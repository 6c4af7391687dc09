import { ConfigError } from '../../../errors.js';
import type { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { loadModule } from '../definitions.js';
import { type Component, componentHash, isComponent } from './component.js';

/**
 * The components that one partition can start. Code is not sent, only its module's URL: the partition imports the module, looks for the
 * component by its name, and compares hashes. A component without a URL is started only where it was declared.
 */
export class Components {
  readonly #scheduler: Scheduler;
  readonly #known = new Map<string, Promise<Component>>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Adds a component of this process. */
  add(component: Component): void {
    this.#known.set(componentHash(component), Promise.resolve(component));
  }

  /** Rejects with ConfigError when the module is missing, exports no such component, or exports another version of it. */
  load(definition: v1.ComponentDefinition, hash: string): Promise<Component> {
    let component = this.#known.get(hash);
    if (component === undefined) {
      component = this.#import(definition, hash);
      this.#known.set(hash, component);
      component.catch(() => this.#known.delete(hash));
    }
    return component;
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
