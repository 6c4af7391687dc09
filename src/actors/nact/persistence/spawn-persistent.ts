import { ConfigError } from '../../../errors.js';
import { nodeOf, rootSystemOf } from '../../kernel/index.js';
import { configuredEngine, type PersistenceEngine } from '../../persistence/store/index.js';
import { checkSpawn } from '../properties.js';
import { type ActorReference, type Parent } from '../reference.js';
import { noParent, place } from '../spawn.js';
import { PersistentActor } from './persistent-actor.js';
import { checkPersistent, type PersistentActorFunc, type PersistentActorProps } from './props.js';

/**
 * Starts a persistent actor, as nact's `spawnPersistent`. It stores events with `ctx.persist`. At its start it handles the events stored
 * under `key`, from the latest snapshot on, with `ctx.recovering` set. Only one actor at a time may use a key. Throws ConfigError without
 * an engine, and otherwise as `spawn`.
 *
 *     const account = spawnPersistent(runtime, async (balance: number, msg: Deposit, ctx) => {
 *       if (!ctx.recovering) await ctx.persist(msg);
 *       return balance + msg.amount;
 *     }, 'account-7', 'account', { initialState: 0, snapshotEvery: 100 * messages });
 */
export function spawnPersistent<State, Msg, ParentRef extends Parent>(
  parent: ParentRef,
  f: PersistentActorFunc<State, Msg, ParentRef>,
  key: string,
  name?: string,
  properties: PersistentActorProps<State, Msg, ParentRef> = {},
): ActorReference<Msg> {
  checkSpawn(f, name, properties);
  checkPersistent(key, properties);
  return place(parent, new PersistentActor(parent, f, properties, key, engineOf(parent)), name);
}

/** The engine of the system that `parent` belongs to. Throws ConfigError where none was set, and for what is no parent. */
export function engineOf(parent: Parent): PersistenceEngine {
  const system = rootSystemOf(parent) ?? nodeOf(parent)?.tree.system;
  if (system === undefined) throw noParent(parent);
  const engine = configuredEngine(system);
  if (engine !== undefined) return engine;
  throw new ConfigError(
    'persistent actors and queries need an engine: call configurePersistence(engine)(runtime) first',
  );
}
