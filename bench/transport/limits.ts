import type { Subject } from '../harness/question.js';
import { type PerftestResult, ucxPerftest } from './peers/ucx-perftest.js';

/** UCX alone, over the same UCX transports as our links. */
export function limits(test: string, value: (result: PerftestResult, size: string) => number): Record<string, Subject> {
  const over =
    (tls: 'posix' | 'tcp'): Subject =>
    (effort, size) =>
      ucxPerftest(test, tls, (said) => value(said, size))(effort, size);
  return { 'limit: ucx_perftest': over('posix'), 'limit: ucx_perftest (tcp)': over('tcp') };
}
