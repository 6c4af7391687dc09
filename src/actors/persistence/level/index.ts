/**
 * An engine for persistent actors on LevelDB, as `millrace/persistence/level` and `millrace/nact/level`. Users create it; it needs the optional package `classic-level`.
 * It handles events and snapshots only, and must never know of actors.
 */
export { LazyLevelEngine } from './lazy-engine.js';
export { LevelEngine } from './level-engine.js';
export type { LevelOptions } from './open.js';
