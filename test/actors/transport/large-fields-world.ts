import type { DeadLetter } from '#src/actors/kernel/index.js';
import { limits } from '#src/limits.js';
import { type Errand, Errands } from './errands.js';
import { FieldMemory } from './field-memory.js';
import { errands, PartitionWorld } from './partitions.js';

/** Bytes of a field that does not travel in its message. */
export const LARGE = limits.inlineFieldBytes + 1;

/** Two partitions that have a memory for large fields, and an actor of the far one. */
export async function setUp(definition: Parameters<typeof errands>[0] = {}) {
  const memory = new FieldMemory();
  const world = new PartitionWorld({ latencyMs: 1 });
  const near = await world.start('a/1', { fields: memory });
  const far = await world.start('b/1', { fields: memory });
  const handled: Errand[] = [];
  const actor = far.system.spawn(errands({ push: (_state, errand) => void handled.push(errand), ...definition }));
  const ref = world.reach(near, Errands, actor);
  const letters: DeadLetter[] = [];
  near.system.deadLetters.subscribe((letter) => letters.push(letter));
  return { world, memory, near, far, ref, actor, handled, letters };
}
