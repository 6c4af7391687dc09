import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Temporary files of this process, and of all that it starts, lie in one folder, which is removed with what is left of them at the end. */
export function keepFilesTogether(): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}
