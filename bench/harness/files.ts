import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes this process and its children use one folder for temporary files. Removes the folder at exit. */
export function useTemporaryFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}
