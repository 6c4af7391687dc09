/**
 * An engine for persistent actors on LevelDB, as `millrace/nact/level`. It needs the package `classic-level`, which only those install who
 * use it. It knows events and snapshots, and nothing of actors.
 */
export { LevelEngine } from './level-engine.js';
export type { LevelOptions } from './open.js';
