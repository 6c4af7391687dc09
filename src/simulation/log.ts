import { messageOf } from '../foreign.js';
import { type Logger, writingLogger } from '../logging/index.js';
import type { Violations } from './violation.js';

/** Log messages that no network fault and no crash can cause. */
const NEVER = new Set(['malformed message', 'a listener of the control plane client threw', 'a subscriber threw']);

/** Writes log records to the trace. A record that shows a bug of the runtime is a violation; so is any record of a crashed node. */
export function checkingLogger(
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
