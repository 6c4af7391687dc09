import { ResourceError } from '#src/errors.js';
import { UcxLibrary } from '#src/transport/ucx/index.js';
import { Missing } from '../../harness/question.js';

/** Throws Missing where UCX or its shim is not installed. */
export function assertUcx(): void {
  try {
    new UcxLibrary().load();
  } catch (error) {
    throw error instanceof ResourceError ? new Missing(error.message) : error;
  }
}
