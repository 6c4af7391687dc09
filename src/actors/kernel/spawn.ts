import { ConfigError, StoppedError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import { checkName } from './actor-path.js';
import { type Behavior, isBehavior } from './behavior.js';
import { ActorCell } from './cell.js';
import type { SpawnOptions } from './context.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { Kernel } from './kernel.js';
import type { ActorRef } from './reference.js';

export const SPAWN_OPTIONS: AcceptedOptions = { name: accepted.text, cUid: accepted.channelId };

/**
 * Starts an actor among `siblings`. Throws ConfigError for a value that is not a behavior, for an option that is wrong or unknown, and for a
 * name or channel id that is taken or invalid.
 */
export function spawn<S extends AnyService, T>(
  kernel: Kernel,
  parent: ActorCell | undefined,
  siblings: Map<string, ActorCell>,
  behavior: Behavior<S, T>,
  options: SpawnOptions | undefined,
): ActorRef<S> {
  if (kernel.isStopping) throw new StoppedError(`system ${kernel.name} cannot spawn: it is stopping`);
  checkOptions('spawn', options, SPAWN_OPTIONS);
  if (!isBehavior(behavior)) {
    throw new ConfigError(
      `spawn needs a behavior, which behavior(Service, { ... }) makes, not ${shownValue(behavior)}`,
    );
  }
  const name = options?.name ?? kernel.freeName(behavior.service, siblings);
  if (options?.name !== undefined) checkName(name);
  if (siblings.has(name)) {
    throw new ConfigError(`${parent?.path ?? kernel.name}/${name} already exists: choose another name`);
  }
  const running = kernel.interceptor?.spawned(`${parent?.path ?? kernel.name}/${name}`, behavior) ?? behavior;
  const cell = new ActorCell(kernel, kernel.behaviorFor(running), parent, name);
  if (options?.cUid !== undefined) cell.takenCUid = kernel.address(cell, options.cUid);
  siblings.set(name, cell);
  kernel.actors++;
  kernel.troubles.started(() => cell.path);
  const reference = kernel.references.create(behavior.service, cell);
  cell.adopt(reference);
  if (cell.phase === 'starting') cell.wake();
  return reference;
}
