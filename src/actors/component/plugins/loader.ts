import type { Logger } from '../../../logging/index.js';
import type { AnyContained } from '../define.js';
import type { NetworkProgram } from '../network/index.js';

/** What there is to serve now. */
export interface FoundComponents {
  /** One that is the same object as before goes on as it is; another one of the same name takes its place; one that is missing is served no more. */
  readonly components: readonly AnyContained[];
  /** Calls them; started once. */
  readonly program?: NetworkProgram | undefined;
  /** What was not loaded, and why. What it had before goes on where it is still among `components`. */
  readonly problems?: readonly string[];
}

/** Finds and loads the components of a node. */
export interface ComponentLoader {
  /**
   * Called at the start, and then every few seconds, once at a time. Resolve to undefined where nothing has changed, or nothing may be loaded yet. What it throws is shown; at the
   * start it ends the node.
   */
  look(): Promise<FoundComponents | undefined>;
  close?(): void | PromiseLike<void>;
}

export interface LoaderContext {
  /** What the command line names. */
  readonly folder: string;
  readonly log: Logger;
}

/** The default export of the module of `millrace up DIR --loader MODULE`. */
export type LoaderPlugin = (context: LoaderContext) => ComponentLoader | PromiseLike<ComponentLoader>;
