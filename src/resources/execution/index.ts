/**
 * Runs a program in a worker thread or in a child process. The runtime starts partitions with it, and learns of their end. Nothing here
 * may know what the program does, or how it shuts down.
 */
export { inheritedOptions, startProcess } from './child-process.js';
export { endWithParent } from './end-with-parent.js';
export type { Ending, Execution, Program } from './execution.js';
export { tellLastWords } from './last-words.js';
export { readStart } from './read-start.js';
export { startThread } from './thread.js';
