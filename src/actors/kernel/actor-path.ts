import { ConfigError } from '../../errors.js';

/** The path of an actor: the name of its system in this thread, and the names from a root actor down to it. */
export interface ActorPath {
  readonly system: string;
  readonly parts: readonly string[];
  /** `system://parent/child` */
  toString(): string;
}

const VALID_NAME = /^[a-z0-9\-$_.+!*'(),]+$/i;

/** Throws ConfigError for a name that cannot be a part of a path. */
export function checkName(name: string): void {
  if (!VALID_NAME.test(name)) {
    throw new ConfigError(`an actor cannot be named ${JSON.stringify(name)}: letters, digits and -$_.+!*'(), only`);
  }
}

class Path implements ActorPath {
  readonly system: string;
  readonly parts: readonly string[];

  constructor(system: string, parts: readonly string[]) {
    this.system = system;
    this.parts = parts;
  }

  toString(): string {
    return `${this.system}://${this.parts.join('/')}`;
  }
}

/** What a reference says of an actor that has no path here. */
export interface DescribedActor {
  readonly cUid: bigint;
  readonly service?: string;
  /** The name by which it was looked up. */
  readonly name?: string | undefined;
}

/** Describes it for errors and dead letters: `"tills/first" (shop.Till)`, or `actor 8f3a (shop.Till)` where no name is known. */
export function describeActor({ cUid, service = '', name }: DescribedActor): string {
  const actor = name === undefined ? `actor ${cUid.toString(16)}` : JSON.stringify(name);
  return service === '' ? actor : `${actor} (${service})`;
}

/** `parts` are the names from the root actor down; none for the system itself. */
export function pathOf(systemName: string, parts: readonly string[]): ActorPath {
  return new Path(systemName, parts);
}
