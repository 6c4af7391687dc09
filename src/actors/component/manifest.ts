import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { limits } from '../../limits.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';

/** How many containers a component has, and how many requests wait for them. */
export interface ComponentLimits {
  /** Containers that run also when nothing is requested. Default 0. */
  readonly least?: number;
  /** Most containers at a time; the limits of the network hold besides. Default: no limit of its own, and 1 for a component that exports its state. */
  readonly most?: number;
  /** Requests that wait for a container; one more fails with CapacityError. Default 1 024. */
  readonly queue?: number;
}

/** What a container calls in the life of its component. What `created` returns is the environment of all its calls. */
export interface ComponentHooks<Environment> {
  /** Creates the environment, which is kept until the container stops: also when a call fails. Default: undefined. */
  created?(this: void): Environment | PromiseLike<Environment>;
  /** Called once, before the first request. */
  started?(this: void, environment: Environment): void | PromiseLike<void>;
  /** Called last, when no request is handled any more. */
  stopping?(this: void, environment: Environment): void | PromiseLike<void>;
  /** What a container of the next version begins with, encoded in the schema `stateVersion`. */
  exportState?(this: void, environment: Environment): Uint8Array | PromiseLike<Uint8Array>;
  /** Takes over what a container has exported. Throw for a version that it does not read: the old container stays then. */
  importState?(this: void, environment: Environment, state: Uint8Array, version: number): void | PromiseLike<void>;
}

export interface ComponentManifest<Environment> extends ComponentHooks<Environment> {
  /** Any text: two processes host the component at each other only where both have the same version. Default: none. */
  readonly version?: string;
  readonly limits?: ComponentLimits;
  /** Version of the schema that `exportState` writes: a whole number from 1. Default 1. */
  readonly stateVersion?: number;
}

/** A manifest with its defaults. */
export interface Manifest {
  readonly version: string;
  readonly least: number;
  readonly most: number;
  readonly queue: number;
  readonly stateVersion: number;
  /** Its state is transferred to the next version. */
  readonly hasState: boolean;
}

/** The options of a component besides its handlers. */
export const MANIFEST: AcceptedOptions = {
  version: accepted.text,
  limits: accepted.object,
  stateVersion: accepted.number,
  created: accepted.callback,
  started: accepted.callback,
  stopping: accepted.callback,
  exportState: accepted.callback,
  importState: accepted.callback,
};

const LIMITS: AcceptedOptions = { least: accepted.number, most: accepted.number, queue: accepted.number };

/** Throws ConfigError for numbers that are out of range or contradict each other. `of` begins the messages: component "stock". */
export function manifestOf(of: string, given: ComponentManifest<never>): Manifest {
  checkOptions(`limits of ${of}`, given.limits, LIMITS);
  const hasState = given.exportState !== undefined;
  if (hasState !== (given.importState !== undefined)) {
    throw new ConfigError(
      `${of} needs both exportState and importState, or none of them: what one writes, the other reads.`,
    );
  }
  const {
    least = 0,
    most = hasState ? 1 : Number.POSITIVE_INFINITY,
    queue = limits.componentQueue,
  } = given.limits ?? {};
  const { stateVersion = 1, version = '' } = given;
  whole(`limits.least of ${of}`, least, 0);
  if (most !== Number.POSITIVE_INFINITY) whole(`limits.most of ${of}`, most, 1);
  whole(`limits.queue of ${of}`, queue, 1);
  whole(`stateVersion of ${of}`, stateVersion, 1);
  if (least > most)
    throw new ConfigError(`limits.least of ${of} is ${least}, more than limits.most, which is ${most}.`);
  return { version, least, most, queue, stateVersion, hasState };
}

/** Throws ConfigError unless `value` is a whole number of at least `least`. */
export function whole(what: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least) return;
  throw new ConfigError(`${what} must be a whole number from ${least}, not ${shownValue(value)}.`);
}
