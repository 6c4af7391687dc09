/** What a node of `millrace up` serves, and how that follows what its loader finds. */
import type { FoundComponents } from '../actors/component/index.js';
import { namedMessageOf } from '../foreign.js';
import type { ComponentNetwork, ServedComponent } from '../index.js';

export class ComponentSession {
  readonly #network: ComponentNetwork;
  readonly #say: (text: string) => void;
  readonly #served = new Map<string, ServedComponent>();

  constructor(network: ComponentNetwork, say: (text: string) => void) {
    this.#network = network;
    this.#say = say;
  }

  /** Serves what is new, replaces what is another version, and serves what is gone no more, all under load. Says what fails: its last version goes on. */
  async apply({ components, problems = [] }: FoundComponents): Promise<void> {
    for (const problem of problems) this.#say(problem);
    const gone = [...this.#served.keys()].filter((name) => components.every((each) => each.name !== name));
    await Promise.all(gone.map((name) => this.#close(name, `${name} is gone, and not served any more`)));
    for (const component of components) {
      const { name, service } = component;
      const before = this.#served.get(name);
      if (before?.component === component) continue;
      try {
        if (before === undefined) this.#served.set(name, await this.#network.serve(component));
        else if (before.component.service.typeName === service.typeName) {
          await before.replace(component);
          this.#say(`${name} is replaced`);
        } else {
          await this.#close(name, `${name} has another service, and is served anew`);
          this.#served.set(name, await this.#network.serve(component));
        }
      } catch (error) {
        const what = this.#served.has(name) ? 'is not replaced, and its last version goes on' : 'is not served';
        this.#say(`${name} ${what}: ${namedMessageOf(error)}`);
      }
    }
  }

  async #close(name: string, why: string): Promise<void> {
    const served = this.#served.get(name);
    this.#served.delete(name);
    await served?.close();
    this.#say(why);
  }
}
