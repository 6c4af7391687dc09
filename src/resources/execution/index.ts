/**
 * Where a program runs beside this event loop: a worker thread, or a process of the operating system. The runtime starts partitions in
 * them and hears of their end; what such a program does, and how it is told to stop, is no affair of this folder.
 */
export { inheritedOptions, startProcess } from './child-process.js';
export { endWithParent } from './end-with-parent.js';
export type { Ending, Execution, Program } from './execution.js';
export { tellLastWords } from './last-words.js';
export { readStart } from './read-start.js';
export { startThread } from './thread.js';
