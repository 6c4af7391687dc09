import { ResourceError } from '../../errors.js';
import * as native from '../native.js';

/**
 * In a process that `startProcess` has started: it ends with the one that started it, even where its JavaScript is in a loop and does not see that its
 * input has ended. False where the system offers no such thing.
 */
export function endWithParent(): boolean {
  try {
    native.endWithParent();
    return true;
  } catch (error) {
    if (error instanceof ResourceError) return false;
    throw error;
  }
}
