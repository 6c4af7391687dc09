import { ConfigError, StoppedError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import { checkName } from './actor-path.js';
import { type AnyBehavior, type Behavior, isBehavior } from './behavior.js';
import { ActorCell } from './cell.js';
import type { UntypedSpawnOptions } from './context.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { Kernel } from './kernel.js';
import type { ActorRef } from './reference.js';

export const SPAWN_OPTIONS: AcceptedOptions = {
  name: accepted.text,
  cUid: accepted.channelId,
  args: accepted.anything,
};

/**
 * Starts an actor among `siblings`. Throws ConfigError for a value that is not a behavior, for an option that is wrong or unknown, for `args`
 * that are missing or not taken, and for a name or channel id that is taken or invalid.
 */
export function spawn<S extends AnyService>(
  kernel: Kernel,
  parent: ActorCell | undefined,
  siblings: Map<string, ActorCell>,
  behavior: Behavior<S, unknown, unknown>,
  options: UntypedSpawnOptions | undefined,
): ActorRef<S> {
  if (kernel.isStopping) throw new StoppedError(`system ${kernel.name} cannot spawn: it is stopping`);
  checkOptions('spawn', options, SPAWN_OPTIONS);
  if (!isBehavior(behavior)) {
    throw new ConfigError(
      `spawn needs a behavior, which behavior(Service, { ... }) makes, not ${shownValue(behavior)}`,
    );
  }
  checkArgs(behavior, options);
  const name = options?.name ?? kernel.freeName(behavior.service, siblings);
  if (options?.name !== undefined) checkName(name);
  if (siblings.has(name)) {
    throw new ConfigError(`${parent?.path ?? kernel.name}/${name} already exists: choose another name`);
  }
  behavior.spawning?.(kernel.tree, `${parent?.path ?? kernel.name}/${name}`);
  const running = kernel.interceptor?.spawned(`${parent?.path ?? kernel.name}/${name}`, behavior) ?? behavior;
  const cell = new ActorCell(kernel, kernel.behaviorFor(running), parent, name);
  if (options?.cUid !== undefined) cell.takenCUid = kernel.address(cell, options.cUid);
  cell.args = options?.args;
  siblings.set(name, cell);
  kernel.actors++;
  kernel.troubles.started(() => cell.path);
  const reference = kernel.references.create(behavior.service, cell);
  cell.adopt(reference);
  if (cell.phase === 'starting') cell.wake();
  return reference;
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
