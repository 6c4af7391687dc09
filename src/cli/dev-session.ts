/** What `millrace dev` serves, and how it follows changes of the modules. */
import { basename } from 'node:path';
import type { AnyContained } from '../actors/component/index.js';
import { namedMessageOf } from '../foreign.js';
import type { ComponentNetwork, ServedComponent } from '../index.js';
import { type ModuleExports, ownComponents } from './component-modules.js';
import type { ModuleVersions } from './module-versions.js';
import type { ComponentFolder } from './component-folder.js';
import type { ComponentProgram } from './component-program.js';

export interface DevSessionOptions {
  readonly network: ComponentNetwork;
  readonly place: ComponentFolder;
  readonly modules: ModuleVersions;
  readonly program: ComponentProgram;
  readonly say: (text: string) => void;
  readonly sayStack: (error: unknown) => void;
}

interface Known {
  /** Its own and those that it imports. */
  readonly files: ReadonlySet<string>;
  readonly served: ReadonlyMap<string, ServedComponent>;
}

export class DevSession {
  readonly #options: DevSessionOptions;
  /** By the path of the module. */
  readonly #known = new Map<string, Known>();

  constructor(options: DevSessionOptions) {
    this.#options = options;
  }

  /** All files that were loaded, or could not be. */
  get files(): ReadonlySet<string> {
    return new Set([...this.#known.values()].flatMap(({ files }) => [...files]));
  }

  /** Names of the components that are served. */
  get components(): readonly string[] {
    return [...this.#known.values()].flatMap(({ served }) => [...served.keys()]);
  }

  /**
   * Loads the modules that are new, or whose files have changed, and replaces their components. What cannot be loaded or replaced goes on as it was, and is said.
   * Resolves to whether nothing has failed.
   */
  async update(changed: ReadonlySet<string>): Promise<boolean> {
    const { place, modules, say, sayStack } = this.#options;
    const listed = place.list();
    const gone = [...this.#known.keys()].filter((file) => !listed.includes(file));
    for (const file of gone) await this.#forget(file);
    const due = listed.filter((file) => {
      const known = this.#known.get(file);
      return known === undefined || [...known.files].some((each) => changed.has(each));
    });
    if (due.length === 0) return true;
    modules.next();
    const loaded = new Map<string, ModuleExports>();
    for (const file of due) {
      const { files, result } = await modules.load(file);
      const { files: before = [], served = new Map() } = this.#known.get(file) ?? {};
      if ('error' in result) {
        this.#known.set(file, { files: new Set([...before, ...files]), served });
        const goesOn = served.size > 0 ? ', and its last version goes on' : '';
        say(`${basename(file)} cannot be loaded${goesOn}: ${namedMessageOf(result.error)}`);
        sayStack(result.error);
      } else {
        this.#known.set(file, { files, served });
        loaded.set(file, result);
      }
    }
    let isGood = loaded.size === due.length;
    for (const [file, exported] of loaded) {
      isGood = (await this.#serve(file, ownComponents(file, exported, listed))) && isGood;
    }
    const main = [...loaded].find(([file]) => place.isMain(file));
    if (main?.[1].program !== undefined) await this.#options.program.start(main[1].program);
    return isGood;
  }

  async #forget(file: string): Promise<void> {
    const { served } = this.#known.get(file) ?? { served: new Map<string, ServedComponent>() };
    this.#known.delete(file);
    for (const [name, each] of served) {
      await each.close();
      this.#options.say(`${basename(file)} is gone: ${name} is not served any more`);
    }
  }

  async #serve(file: string, components: readonly AnyContained[]): Promise<boolean> {
    const { network, say } = this.#options;
    const known = this.#known.get(file);
    const served = new Map(known?.served);
    for (const [name, each] of known?.served ?? []) {
      const next = components.find((component) => component.name === name);
      if (next?.service.typeName === each.component.service.typeName) continue;
      await each.close();
      served.delete(name);
      if (next === undefined) say(`${basename(file)} has no component ${name} any more: it is not served`);
    }
    let isGood = true;
    for (const component of components) {
      const { name } = component;
      const before = served.get(name);
      try {
        if (before === undefined) {
          served.set(name, await network.serve(component));
        } else {
          await before.replace(component);
          say(`${basename(file)}: ${name} is replaced`);
        }
      } catch (error) {
        isGood = false;
        const what = before === undefined ? 'is not served' : 'is not replaced, and its last version goes on';
        say(`${basename(file)}: ${name} ${what}: ${namedMessageOf(error)}`);
      }
    }
    this.#known.set(file, { files: known?.files ?? new Set([file]), served });
    return isGood;
  }
}
