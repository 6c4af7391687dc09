import type { MUid } from '#src/ids/index.js';
import { userMUid } from '#src/ids/index.js';
import { MemoryPool, openArenas, type MemoryChoice, type PoolOptions } from '#src/descriptors/index.js';
import { type Logger, silentLogger } from '#src/logging/index.js';
import { RealScheduler, type Scheduler } from '#src/scheduler/index.js';
import { ResourceError } from '#src/errors.js';

export const KIB = 1024;
export const MIB = 1024 * KIB;

interface World {
  readonly memory?: MemoryChoice;
  readonly scheduler?: Scheduler;
  readonly log?: Logger;
}

let made = 0;

/** A pool with an id of its own, in private memory unless the world says more. */
export function openPool(options: PoolOptions = {}, world: World = {}): MemoryPool {
  const { memory = 'private', scheduler = new RealScheduler(), log = silentLogger } = world;
  return new MemoryPool({ mUid: nextMUid(), arenas: openArenas(memory), scheduler, log }, options);
}

function nextMUid(): MUid {
  made += 1;
  return userMUid(1, made);
}

/** Why memory cannot be shared here; undefined where it can. */
export function lackingSharedMemory(): string | undefined {
  try {
    openArenas('shared');
    return undefined;
  } catch (error) {
    if (error instanceof ResourceError) return error.message;
    throw error;
  }
}

const missing = lackingSharedMemory();

/** As `describe`, where memory can be shared; elsewhere one pending test that says what is missing. */
export function describeWithSharedMemory(title: string, body: () => void): void {
  if (missing === undefined) describe(title, body);
  else it.skip(`${title}: ${missing}`);
}
