import { expect } from 'chai';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';

/** A caller of this process gets a container for as long as it lives, and asks for another one with the same number, which it is refused. */
export async function takesTwice(runtime: Runtime, group: string): Promise<void> {
  let pools: readonly ActorRef<typeof v1.ComponentPool>[] = [];
  await runtime.watchGroup(v1.ComponentPool, group, (all) => (pools = all));
  const [pool] = pools;
  if (pool === undefined) throw new Error('there is a pool');
  const caller = runtime.spawn(behavior(v1.ComponentCaller, { poolLoaded: () => {} })).toRef();
  const request = { caller, id: 1, timeoutMs: 1_000, mayLeave: true };
  expect((await pool.acquire(request)).container).to.not.equal(undefined);
  expect((await pool.acquire(request)).refused).to.include('number');
}
