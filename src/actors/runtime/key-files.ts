/** Reads the files of the cluster key and of TLS that options name, and checks them before anything listens. */
import type { OptionValues } from '../../options/index.js';
import { assertClusterKey, readSecurityFile, readTlsFiles } from '../../transport/handshake/index.js';
import type { NetOptions } from './net-options.js';

/** Bytes that are no text have no one meaning: a byte order mark and blanks around a key are no part of it. */
const KEY_REMEDY =
  'a cluster key is text, and random bytes are written as hexadecimal digits: (umask 077; openssl rand -hex 32 > cluster.key)';

/**
 * What these files contain; an option that is not set adds nothing. Throws ConfigError with the option and the file for one that cannot be
 * used: a set option never counts as unset.
 */
export function keyFiles(values: OptionValues): Pick<NetOptions, 'key' | 'tls'> {
  const key = clusterKey(values);
  const tls = readTlsFiles(values);
  return { ...(key !== undefined && { key }), ...(tls && { tls }) };
}

function clusterKey({ clusterKeyFile: path, keyFileReaders: readers }: OptionValues): string | undefined {
  if (path === '') return undefined;
  const key = readSecurityFile({ option: 'clusterKeyFile', path, readers, remedy: KEY_REMEDY }).trim();
  assertClusterKey(key, `clusterKeyFile: ${path}`);
  return key;
}
