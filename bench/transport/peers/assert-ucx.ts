import { ResourceError } from '#src/errors.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport } from '#src/transport/ucx/index.js';
import { Missing } from '../../harness/question.js';

/** Throws Missing if UCX is not installed. */
export async function assertUcx(): Promise<void> {
  try {
    await new UcxTransport({ scheduler: new RealScheduler() }).close();
  } catch (error) {
    throw error instanceof ResourceError ? new Missing(error.message) : error;
  }
}
