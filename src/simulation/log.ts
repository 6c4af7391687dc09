import { messageOf } from '../foreign.js';
import { type Logger, writingLogger } from '../logging/index.js';
import type { Violations } from './violation.js';

/** Records that no fault of a network, and no crash, explains. */
const NEVER = new Set(['malformed message', 'news of the control plane were not taken', 'a subscriber threw']);

/** Records go into the trace. One that tells of a fault of the runtime is a violation, and so is any of a node that is dead. */
export function watchfulLogger(
  violations: Violations,
  record: (line: string) => void,
  isDead: (node: unknown) => boolean,
): Logger {
  return writingLogger('warn', (level, message, fields) => {
    const text = `${level} ${message} ${Object.entries(fields)
      .map(([name, value]) => `${name}=${messageOf(value)}`)
      .join(' ')}`;
    record(text);
    if (NEVER.has(message)) violations.add('fault', `logged: ${text}`);
    if (isDead(fields['node'])) violations.add('fault', `logged by a node that has crashed: ${text}`);
  });
}
