import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A unique path for a socket. */
export function socketPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'socket-')), 'socket');
}
