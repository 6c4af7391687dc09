import { ResourceError } from '../../errors.js';
import type { ArenaSource } from './arena.js';
import { PrivateArenas } from './private-arenas.js';
import { SharedArenas } from './shared-arenas.js';

/** `auto`: shared where this machine can, else private. `shared`: shared or an error. `private`: of this process alone. */
export type MemoryChoice = 'auto' | 'shared' | 'private';

/** The source of arenas for a partition. Throws ResourceError where `shared` is asked for, and memory cannot be shared. */
export function openArenas(choice: MemoryChoice = 'auto'): ArenaSource {
  if (choice === 'private') return new PrivateArenas('the option memory is private');
  try {
    return new SharedArenas();
  } catch (error) {
    if (choice === 'shared' || !(error instanceof ResourceError)) throw error;
    return new PrivateArenas(error.message);
  }
}
