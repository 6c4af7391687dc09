/** Reads the files of the cluster key and of TLS that options name, and checks them before anything listens. */
import { statSync } from 'node:fs';
import { limits } from '../../limits.js';
import { type NamedFile, readNamedText, unusable } from '../../named-file.js';
import type { OptionValues } from '../../options/index.js';
import { assertClusterKey, assertTls } from '../../transport/handshake/index.js';
import type { NetOptions } from './net-options.js';

type FileOption = 'clusterKeyFile' | 'tlsCertFile' | 'tlsKeyFile' | 'tlsCaFile';

/**
 * What these files contain; an option that is not set adds nothing. Throws ConfigError with the option and the file for one that cannot be
 * used: a set option never counts as unset.
 */
export function keyFiles(values: OptionValues): Pick<NetOptions, 'key' | 'tls'> {
  const key = contents('clusterKeyFile', values)?.trim();
  if (key !== undefined) assertClusterKey(key, nameOf('clusterKeyFile', values));
  const parts = {
    cert: contents('tlsCertFile', values),
    key: contents('tlsKeyFile', values),
    ca: contents('tlsCaFile', values),
  };
  const tls = {
    ...(parts.cert !== undefined && { cert: parts.cert }),
    ...(parts.key !== undefined && { key: parts.key }),
    ...(parts.ca !== undefined && { ca: parts.ca }),
  };
  const hasTls = Object.keys(tls).length > 0;
  if (hasTls) {
    assertTls(tls, {
      cert: nameOf('tlsCertFile', values),
      key: nameOf('tlsKeyFile', values),
      ca: nameOf('tlsCaFile', values),
    });
  }
  return { ...(key !== undefined && { key }), ...(hasTls && { tls }) };
}

function contents(option: FileOption, values: OptionValues): string | undefined {
  const path = values[option];
  if (path === '') return undefined;
  const file = { what: `${option}:`, path, maxBytes: limits.keyFileBytes };
  const text = readNamedText(file);
  if (text.trim() === '') throw unusable(file, 'is empty');
  if (option === 'clusterKeyFile' || option === 'tlsKeyFile') assertPrivate(file, values.keyFileReaders);
  return text;
}

/** Mode bits by which users read or write a file who must not, for each value of `keyFileReaders`. */
const FORBIDDEN_BITS = { owner: 0o066, group: 0o006, all: 0 } as const;

/** Who can read a secret has it, and who can write its file chooses it. Windows has no such bits. */
function assertPrivate(file: NamedFile, readers: OptionValues['keyFileReaders']): void {
  const mode = statSync(file.path).mode & 0o777;
  if (process.platform === 'win32' || (mode & FORBIDDEN_BITS[readers]) === 0) return;
  const who = (mode & 0o006) === 0 ? 'its group' : 'other users';
  const widened = (mode & 0o006) === 0 ? 'group' : 'all';
  throw unusable(
    file,
    `has mode ${mode.toString(8).padStart(4, '0')}, so ${who} can read or change it: use chmod 600, or set keyFileReaders to ${widened}`,
  );
}

/** As errors name it: `tlsKeyFile: /run/key.pem`. */
function nameOf(option: FileOption, { [option]: path }: OptionValues): string {
  return path === '' ? option : `${option}: ${path}`;
}
