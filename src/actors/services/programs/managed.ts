/**
 * Loaded before the main module of each process of the application. It ends the process, and what that has started, when the node's process
 * has ended: the kernel closes the pipe then. The program need not know of it.
 */
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { endWithParent } from '../../../resources/execution/index.js';

/** The pipe to the node's process. */
const LIFELINE_FD = 3;

if (isMainThread) {
  // What this process forks must not take a pipe of its own for this one.
  const { execArgv } = process;
  const own = execArgv.findIndex((option, index) => option === '--import' && execArgv[index + 1] === import.meta.url);
  if (own !== -1) execArgv.splice(own, 2);
  const lifeline = new Socket({ fd: LIFELINE_FD, readable: true, writable: false });
  const end = (): void => {
    process.kill(-process.pid, 'SIGKILL');
  };
  lifeline.on('error', end).on('close', end).resume().unref();
  // A program in a loop does not see that.
  endWithParent();
}
