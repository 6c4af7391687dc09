import type { Subject } from '../harness/question.js';
import { type Said, ucxPerftest } from './peers/ucx-perftest.js';

/** UCX by itself, over what our links use, too. */
export function limits(test: string, value: (said: Said, size: string) => number): Record<string, Subject> {
  const over =
    (tls: 'posix' | 'tcp'): Subject =>
    (effort, size) =>
      ucxPerftest(test, tls, (said) => value(said, size))(effort, size);
  return { 'limit: ucx_perftest': over('posix'), 'limit: ucx_perftest (tcp)': over('tcp') };
}
