import { namedMessageOf, shownValue } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';

/** A container at one moment, as a life-cycle plugin sees it. */
export interface ContainerView {
  readonly component: string;
  /** Ordinal of its partition. */
  readonly partition: number;
  /** Requests that it has got. */
  readonly handled: number;
  /** Time in ms since its start. */
  readonly ageMs: number;
}

/** `replace`: it is stopped, and another one starts. `wait`: it gets no request, and is asked again. */
export type ZombieResponse = 'replace' | 'wait';

/** Decides in the life of a container. What a function throws is logged, and what is done without the plugin is done. */
export interface LifeCyclePlugin {
  /** A container has not answered for `silentMs`, past the time that its request had. Default: `replace`. */
  wedged?(this: void, container: ContainerView, silentMs: number): ZombieResponse;
  /** Whether a container that has answered a request is replaced by a new one, besides `recycleAfter` of `network.serve`. Default: no. */
  recycles?(this: void, container: ContainerView): boolean;
}

/** The plugin, or what is done without one. */
export class LifeCycle {
  readonly #plugin: LifeCyclePlugin;
  readonly #log: Logger;

  constructor(plugin: LifeCyclePlugin | undefined, log: Logger) {
    this.#plugin = plugin ?? {};
    this.#log = log;
  }

  wedged(container: ContainerView, silentMs: number): ZombieResponse {
    const { wedged } = this.#plugin;
    if (wedged === undefined) return 'replace';
    return this.#decided('wedged', 'replace', () => {
      const response: unknown = wedged(container, silentMs);
      if (response === 'replace' || response === 'wait') return response;
      throw new TypeError(`it must return 'replace' or 'wait', not ${shownValue(response)}`);
    });
  }

  recycles(container: ContainerView): boolean {
    const { recycles } = this.#plugin;
    return recycles !== undefined && this.#decided('recycles', false, () => recycles(container) === true);
  }

  #decided<Answer>(name: string, usual: Answer, decide: () => Answer): Answer {
    try {
      return decide();
    } catch (error) {
      const text = `${name} of a life-cycle plugin has failed, and what is done without it is done`;
      this.#log.warn(text, { error: namedMessageOf(error) });
      return usual;
    }
  }
}
