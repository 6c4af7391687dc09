/** Reads the files of the cluster key and of TLS that options name, and checks them before anything listens. */
import { limits } from '../../limits.js';
import { readNamedText, unusable } from '../../named-file.js';
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

function contents(option: FileOption, { [option]: path }: OptionValues): string | undefined {
  if (path === '') return undefined;
  const file = { what: `${option}:`, path, maxBytes: limits.keyFileBytes };
  const text = readNamedText(file);
  if (text.trim() === '') throw unusable(file, 'is empty');
  return text;
}

/** As errors name it: `tlsKeyFile: /run/key.pem`. */
function nameOf(option: FileOption, { [option]: path }: OptionValues): string {
  return path === '' ? option : `${option}: ${path}`;
}
