import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import { type AnyBehavior, isBehavior } from './behavior.js';
import type { UntypedSpawnOptions } from './context.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';

export const SPAWN_OPTIONS: AcceptedOptions = {
  name: accepted.text,
  cUid: accepted.channelId,
  args: accepted.anything,
};

/**
 * Throws ConfigError for a value that is not a behavior, for an option that is wrong or unknown, and for `args` that are missing or not
 * taken.
 */
export function checkSpawn(behavior: AnyBehavior, options: UntypedSpawnOptions | undefined): void {
  checkOptions('spawn', options, SPAWN_OPTIONS);
  if (!isBehavior(behavior)) {
    throw new ConfigError(
      `spawn needs a behavior, which behavior(Service, { ... }) makes, not ${shownValue(behavior)}`,
    );
  }
  checkArgs(behavior, options);
}

/** What the compiler sees in TypeScript. Throws ConfigError when the state of the behavior needs `args`, or takes none. */
export function checkArgs({ takesArgs, service }: AnyBehavior, options: UntypedSpawnOptions | undefined): void {
  const areGiven = options?.args !== undefined;
  if (takesArgs === 'yes' && !areGiven && !(options !== undefined && 'args' in options)) {
    throw new ConfigError(
      `the state of the behavior of ${service.typeName} takes args, and the spawn gives none: spawn(behavior, { args: ... }). ` +
        'If the actor needs none, spawn it with { args: undefined }, or give the parameter of state a default value',
    );
  }
  if (takesArgs === 'no' && areGiven) {
    throw new ConfigError(
      `the behavior of ${service.typeName} takes no args: leave them out, or take them in its state: state: (ctx, args) => ...`,
    );
  }
}

/** The names of actors that were spawned without one. */
export class GivenNames {
  #given = 0;

  /** The service's name and a number that no sibling has. */
  free({ typeName }: AnyService, siblings: ReadonlyMap<string, unknown>): string {
    const base = typeName.slice(typeName.lastIndexOf('.') + 1);
    let name: string;
    do {
      this.#given++;
      name = `${base}-${this.#given}`;
    } while (siblings.has(name));
    return name;
  }
}
