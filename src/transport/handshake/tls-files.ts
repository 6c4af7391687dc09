/** Certificates and keys that files contain, and that are replaced while processes run. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LinkSecurity, TlsFiles } from '../link-options.js';
import { readSecurityFile } from './security-file.js';
import { assertTls } from './tls-credentials.js';

type Tls = NonNullable<LinkSecurity['tls']>;

/** Time in ms between two looks whether a file has changed. */
const LOOK_MS = 500;

/**
 * What the files contain, and their paths; undefined where no option names one. Throws ConfigError with the option and the file for one that
 * cannot be used.
 */
export function readTlsFiles({ tlsCertFile, tlsKeyFile, tlsCaFile, keyFileReaders }: TlsFiles): Tls | undefined {
  if (tlsCertFile === '' && tlsKeyFile === '' && tlsCaFile === '') return undefined;
  const tls = {
    ...(tlsCertFile !== '' && { cert: readSecurityFile({ option: 'tlsCertFile', path: tlsCertFile }) }),
    ...(tlsKeyFile !== '' && {
      key: readSecurityFile({ option: 'tlsKeyFile', path: tlsKeyFile, readers: keyFileReaders }),
    }),
    ...(tlsCaFile !== '' && { ca: readSecurityFile({ option: 'tlsCaFile', path: tlsCaFile }) }),
  };
  assertTls(tls, {
    cert: nameOf('tlsCertFile', tlsCertFile),
    key: nameOf('tlsKeyFile', tlsKeyFile),
    ca: nameOf('tlsCaFile', tlsCaFile),
  });
  const [cert, key, ca] = [tlsCertFile, tlsKeyFile, tlsCaFile].map((path) => (path === '' ? '' : resolve(path)));
  return {
    ...tls,
    files: { tlsCertFile: cert ?? '', tlsKeyFile: key ?? '', tlsCaFile: ca ?? '', keyFileReaders },
  };
}

/**
 * The security of links whose certificates come from files: `tls` is what the files contain now, so that new connections use a certificate that
 * was replaced. While the files do not fit together, because only some are replaced yet, it stays what it was, and that is logged once.
 */
export class LiveSecurity implements LinkSecurity {
  readonly key?: string | Uint8Array;
  readonly keyless?: 'nowhere' | 'unix' | 'loopback';
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  readonly #files: TlsFiles;
  #tls: Tls;
  #version: string;
  #lookAtMs: number;

  constructor({ key, keyless }: LinkSecurity, tls: Tls, files: TlsFiles, scheduler: Scheduler, log: Logger) {
    if (key !== undefined) this.key = key;
    if (keyless !== undefined) this.keyless = keyless;
    this.#tls = tls;
    this.#files = files;
    this.#scheduler = scheduler;
    this.#log = log;
    // The files may have changed since they were read: the first look reads them again.
    this.#version = '';
    this.#lookAtMs = scheduler.now() + LOOK_MS;
  }

  get tls(): Tls {
    const now = this.#scheduler.now();
    if (now < this.#lookAtMs) return this.#tls;
    this.#lookAtMs = now + LOOK_MS;
    const version = versionOf(this.#files);
    if (version !== this.#version) this.#read(version);
    return this.#tls;
  }

  #read(version: string): void {
    try {
      const read = readTlsFiles(this.#files);
      const isNew = read !== undefined && textOf(read) !== textOf(this.#tls);
      if (isNew) {
        this.#tls = read;
        this.#log.info('the certificates of links were read again', { ...this.#files });
      }
    } catch (error) {
      this.#log.warn('the certificates of links have changed, and cannot be used: the last ones stay', {
        error: messageOf(error),
      });
    }
    this.#version = version;
  }
}

/** Changes with each file. */
function versionOf({ tlsCertFile, tlsKeyFile, tlsCaFile }: TlsFiles): string {
  const versions = [tlsCertFile, tlsKeyFile, tlsCaFile].map((path) => {
    const found = path === '' ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? 'none' : `${found.dev}/${found.ino}/${found.mtimeNs}/${found.ctimeNs}/${found.size}`;
  });
  return versions.join(' ');
}

function textOf({ cert, key, ca }: Tls): string {
  return JSON.stringify([cert, key, ca]);
}

/** As errors name it: `tlsKeyFile: /run/key.pem`. */
function nameOf(option: string, path: string): string {
  return path === '' ? option : `${option}: ${path}`;
}
