/**
 * Reads the files that options and arguments name: config files, keys, certificates, recordings, topologies. Every reader of such a file
 * is here, so that each refuses what is no regular file and what is too large, and says why in the same words.
 */
import { readFileSync, statSync } from 'node:fs';
import { ConfigError } from './errors.js';
import { messageOf } from './foreign.js';

export interface NamedFile {
  /** What the file is, as the first words of an error: `Config file`. */
  readonly what: string;
  readonly path: string;
  /** A larger file is refused before it is read. */
  readonly maxBytes: number;
  /** What to do where the file is no text in UTF-8. Default: `save it as UTF-8`. */
  readonly remedy?: string;
}

/** First bytes of a file that gzip has compressed. */
const GZIP = [0x1f, 0x8b] as const;

/**
 * The bytes of a file. Throws ConfigError where it cannot be read, is no regular file (the read of a pipe or a device may never end), or
 * has more than `maxBytes`.
 *
 *     const bytes = readNamedFile({ what: 'The recording', path: 'shop.rec', maxBytes: limits.recordingFileBytes });
 */
export function readNamedFile(file: NamedFile): Uint8Array {
  if (file.path === '') throw unusable(file, 'cannot be read: the name of the file is empty');
  let size: number;
  try {
    const found = statSync(file.path);
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is not a regular file');
    size = found.size;
    if (size <= file.maxBytes) return readFileSync(file.path);
  } catch (cause) {
    throw unusable(file, `cannot be read: ${messageOf(cause)}`, cause);
  }
  throw unusable(file, `has ${size} bytes, more than the ${file.maxBytes} that it may have`);
}

/** The text of a file in UTF-8, without its byte order mark. Throws ConfigError as `readNamedFile` does, and for another encoding. */
export function readNamedText(file: NamedFile): string {
  const remedy = file.remedy ?? 'save it as UTF-8';
  const bytes = readNamedFile(file);
  const [first, second] = bytes;
  if (first === GZIP[0] && second === GZIP[1]) {
    throw unusable(file, `is compressed with gzip: ${file.remedy ?? 'decompress it'}`);
  }
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || bytes.subarray(0, 4).includes(0)) throw unusable(file, `is in UTF-16 or UTF-32: ${remedy}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable(file, `is not UTF-8: ${remedy}`, cause);
  }
}

/** The error that says what is wrong with a file. `fault` follows the name of the file. */
export function unusable(
  { what, path }: Pick<NamedFile, 'what' | 'path'>,
  fault: string,
  cause?: unknown,
): ConfigError {
  const name = path === '' ? '""' : path;
  return new ConfigError(`${what} ${name} ${fault}.`, cause === undefined ? undefined : { cause });
}
