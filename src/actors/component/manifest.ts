import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { limits } from '../../limits.js';
import { accepted, type AcceptedOptions } from '../../options/index.js';

/** The least and the most containers that a component has in one process. */
export interface ContainerRange {
  readonly min: number;
  readonly max: number;
}

/** What a container calls in the life of its component. What `created` returns is the environment of all its calls. */
export interface ComponentHooks<Environment> {
  /** Creates the environment, which is kept until the container stops: also when a call fails. Default: undefined. */
  created?(this: void): Environment | PromiseLike<Environment>;
  /** Called once, before the first request. */
  started?(this: void, environment: Environment): void | PromiseLike<void>;
  /** Called last, when no request is handled any more; also when `started` has thrown. */
  stopping?(this: void, environment: Environment): void | PromiseLike<void>;
  /** What a container of the next version begins with, encoded in the schema `stateVersion`. */
  exportState?(this: void, environment: Environment): Uint8Array | PromiseLike<Uint8Array>;
  /** Takes over what a container has exported. Throw for a version that it does not read: the old container stays then. */
  importState?(this: void, environment: Environment, state: Uint8Array, version: number): void | PromiseLike<void>;
}

export interface ComponentManifest<Environment> extends ComponentHooks<Environment> {
  /** Any text: two processes host the component at each other only where both have the same version. Default: none. */
  readonly version?: string;
  /** Requests that wait in one container; one more is refused with BackpressureError. Default 1 024. */
  readonly queue?: number;
  /** Version of the schema that `exportState` writes: a whole number from 1. Default 1. */
  readonly stateVersion?: number;
  /** Containers in a process that serves it and says nothing else: a number, or a range in which a governor chooses. Default 1. */
  readonly containers?: number | ContainerRange;
}

/** A manifest with its defaults. */
export interface Manifest {
  readonly version: string;
  readonly queue: number;
  readonly stateVersion: number;
  readonly containers: ContainerRange;
}

/** The options of a component besides its handlers. */
export const MANIFEST: AcceptedOptions = {
  version: accepted.text,
  queue: accepted.number,
  stateVersion: accepted.number,
  containers: containersOption(),
  created: accepted.callback,
  started: accepted.callback,
  stopping: accepted.callback,
  exportState: accepted.callback,
  importState: accepted.callback,
};

/** Throws ConfigError for numbers that are out of range, and hooks that need each other. `of` begins the messages: component "stock". */
export function manifestOf(of: string, given: ComponentManifest<never>): Manifest {
  const {
    version = '',
    queue = limits.containerQueue,
    stateVersion = 1,
    containers = 1,
    exportState,
    importState,
  } = given;
  if ((exportState === undefined) !== (importState === undefined)) {
    throw new ConfigError(
      `${of} needs both exportState and importState, or none of them: what one writes, the other reads.`,
    );
  }
  wholeFrom1(`queue of ${of}`, queue);
  wholeFrom1(`stateVersion of ${of}`, stateVersion);
  return { version, queue, stateVersion, containers: rangeOf(of, containers) };
}

/** Accepts what `rangeOf` reads. */
export function containersOption(): AcceptedOptions[string] {
  return {
    what: 'a number, or { min, max }',
    is: (value: unknown) => typeof value === 'number' || isRange(value),
  };
}

/** Throws ConfigError for what is no number of containers. */
export function rangeOf(of: string, containers: number | ContainerRange): ContainerRange {
  const range = typeof containers === 'number' ? { min: containers, max: containers } : containers;
  for (const count of [range.min, range.max]) {
    if (Number.isSafeInteger(count) && count >= 0) continue;
    throw new ConfigError(`containers of ${of} must be whole numbers from 0, not ${shownValue(count)}.`);
  }
  if (range.min > range.max) {
    throw new ConfigError(
      `containers of ${of} have a min of ${range.min}, which is more than their max of ${range.max}.`,
    );
  }
  return range;
}

function isRange(value: unknown): value is ContainerRange {
  return typeof value === 'object' && value !== null && 'min' in value && 'max' in value;
}

function wholeFrom1(what: string, value: unknown): void {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return;
  throw new ConfigError(`${what} must be a whole number from 1, not ${shownValue(value)}.`);
}
