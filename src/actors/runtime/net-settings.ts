import { readFileSync } from 'node:fs';
import { ConfigError } from '../../errors.js';
import type { OptionValues } from '../../options/index.js';
import type { NetOptions } from './net-options.js';

/** The link settings from the resolved options; undefined where the runtime has no links to other processes. */
export function netSettings(values: OptionValues): NetOptions | undefined {
  const { listen, controlPlane, placement, advertisedHost, clusterKeyFile, keyless, ucx, ucxInterfaces } = values;
  if (listen === 'none' && controlPlane === 'none' && placement === 'inline') {
    return undefined;
  }
  const cert = contents('tlsCertFile', values);
  const key = contents('tlsKeyFile', values);
  const ca = contents('tlsCaFile', values);
  return {
    keyless,
    ucx,
    ...(ucxInterfaces !== '' && { ucxInterfaces: ucxInterfaces.split(',') }),
    listen: listen === 'none' ? listenBeside(controlPlane) : listen,
    ...(advertisedHost !== '' && { advertisedHost }),
    ...(clusterKeyFile !== '' && { key: contents('clusterKeyFile', values)?.trim() ?? '' }),
    ...((cert ?? ca) !== undefined && { tls: { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) } }),
  };
}

/** A process that joins a cluster must be reachable by the others; a process that hosts partitions, by its partitions. */
function listenBeside(controlPlane: string): string {
  if (controlPlane === 'none' || /(^| )unix:/.test(controlPlane)) {
    return 'unix:';
  }
  const near = /(?<place>(tcp|tls):\/\/(127\.[\d.]+|localhost|\[::1\])):\d/.exec(controlPlane)?.groups?.['place'];
  if (near !== undefined) {
    return `${near}:0`;
  }
  throw new ConfigError(
    `To join ${controlPlane}, this process must be reachable from other hosts: set the option listen.`,
  );
}

type FileOption = 'clusterKeyFile' | 'tlsCertFile' | 'tlsKeyFile' | 'tlsCaFile';

function contents(name: FileOption, { [name]: path }: OptionValues): string | undefined {
  if (path === '') {
    return undefined;
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${name}: ${path} cannot be read. Name a file that this process may read.`, { cause });
  }
}
