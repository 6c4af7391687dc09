import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A path for a socket that nobody else has. */
export function socketPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'socket-')), 'socket');
}
