import { ConfigError, StoppedError } from '../../errors.js';
import type { AnyService } from '../../protocol/index.js';
import { checkName } from './actor-path.js';
import type { Behavior } from './behavior.js';
import { ActorCell } from './cell.js';
import type { SpawnOptions } from './context.js';
import type { Kernel } from './kernel.js';
import type { ActorRef } from './reference.js';

/** Starts an actor among `siblings`. Throws ConfigError for a name or channel id that is taken or invalid. */
export function spawn<S extends AnyService, T>(
  kernel: Kernel,
  parent: ActorCell | undefined,
  siblings: Map<string, ActorCell>,
  behavior: Behavior<S, T>,
  options: SpawnOptions | undefined,
): ActorRef<S> {
  if (kernel.isStopping) throw new StoppedError(`system ${kernel.name} cannot spawn: it is stopping`);
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
  const reference = kernel.references.create(behavior.service, cell);
  cell.adopt(reference);
  if (cell.phase === 'starting') cell.wake();
  return reference;
}
