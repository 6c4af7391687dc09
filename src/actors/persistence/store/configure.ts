import { type ActorSystem, type HasSystem, systemKey } from '../../kernel/index.js';
import { checkEngine, isEngine, type PersistenceEngine } from './engine.js';

/**
 * Sets the engine that stores the events of a runtime's persistent actors. Throws ConfigError if `engine` is not an engine.
 *
 *     configurePersistence(await LevelEngine.open('events'))(runtime);
 */
export function configurePersistence(engine: PersistenceEngine): (runtime: HasSystem) => void {
  checkEngine(engine);
  return (runtime) => {
    runtime[systemKey].persistenceEngine = engine;
  };
}

/** The engine of `configurePersistence`; undefined where none was set. */
export function configuredEngine(system: ActorSystem | undefined): PersistenceEngine | undefined {
  const engine = system?.persistenceEngine;
  return isEngine(engine) ? engine : undefined;
}
