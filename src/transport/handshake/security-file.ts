import { statSync } from 'node:fs';
import { limits } from '../../limits.js';
import { type NamedFile, readNamedText, unusable } from '../../named-file.js';
import type { FileReaders } from '../link-options.js';

export interface SecurityFile {
  /** The option that names it. */
  readonly option: string;
  readonly path: string;
  /** Only these users may be able to read and write it. Undefined: it is no secret. */
  readonly readers?: FileReaders;
  /** What to do where it is no text. */
  readonly remedy?: string;
}

/** Mode bits by which users read or write a file who must not. */
const FORBIDDEN_BITS = { owner: 0o066, group: 0o006, all: 0 } as const;

/** The text of a file with a key or certificates. Throws ConfigError with the option and the file for one that cannot be used. */
export function readSecurityFile({ option, path, readers, remedy }: SecurityFile): string {
  const file = { what: `${option}:`, path, maxBytes: limits.keyFileBytes, ...(remedy !== undefined && { remedy }) };
  const text = readNamedText(file);
  if (text.trim() === '') throw unusable(file, 'is empty');
  if (readers !== undefined) assertPrivate(file, readers);
  return text;
}

/** Who can read a secret has it, and who can write its file chooses it. Windows has no such bits. */
function assertPrivate(file: NamedFile, readers: FileReaders): void {
  const mode = statSync(file.path).mode & 0o777;
  if (process.platform === 'win32' || (mode & FORBIDDEN_BITS[readers]) === 0) return;
  const who = (mode & 0o006) === 0 ? 'its group' : 'other users';
  const widened = (mode & 0o006) === 0 ? 'group' : 'all';
  throw unusable(
    file,
    `has mode ${mode.toString(8).padStart(4, '0')}, so ${who} can read or change it: use chmod 600, or set keyFileReaders to ${widened}`,
  );
}
