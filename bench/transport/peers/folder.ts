import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for a socket, removed when this process ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}
