import { ConfigError } from '../../errors.js';
import { loadPart } from '../../installation.js';
import type { OptionValues } from '../../options/index.js';
import type { NetOptions } from './net-options.js';

const FILES = ['clusterKeyFile', 'tlsCertFile', 'tlsKeyFile', 'tlsCaFile'] as const;

/** What the resolved options say of links to other processes; undefined where there are none. Rejects with ConfigError for a file that cannot be used. */
export async function netSettings(values: OptionValues): Promise<NetOptions | undefined> {
  const { listen, controlPlane, placement, advertisedHost, keyless, ucx, ucxInterfaces } = values;
  if (listen === 'none' && controlPlane === 'none' && placement === 'inline') {
    return undefined;
  }
  return {
    keyless,
    ucx,
    ...(ucxInterfaces !== '' && { ucxInterfaces: ucxInterfaces.split(',') }),
    listen: listen === 'none' ? listenBeside(controlPlane) : listen,
    ...(advertisedHost !== '' && { advertisedHost }),
    ...(FILES.some((option) => values[option] !== '') && (await loadPart(import('./key-files.js'))).keyFiles(values)),
  };
}

/** A process that joins others has to be reached by them; one that hosts partitions, by those. */
function listenBeside(controlPlane: string): string {
  if (controlPlane === 'none' || /(^| )unix:/.test(controlPlane)) {
    return 'unix:';
  }
  const near = /(?<place>(tcp|tls):\/\/(127\.[\d.]+|localhost|\[::1\])):\d/.exec(controlPlane)?.groups?.['place'];
  if (near !== undefined) {
    return `${near}:0`;
  }
  throw new ConfigError(`Processes beyond this host have to reach this one, to join ${controlPlane}: set listen.`);
}
