/** What the user says of links to other processes. */

export interface ListenOptions {
  /** The address; see SocketAddress. Default `unix:`, a socket file in a private folder. */
  readonly listen?: string;
  /** The host name that others dial, if it differs from the one listened on. */
  readonly advertisedHost?: string;
  /** Folder of private folders. Default: that of the system for temporary files, or another where no socket can be made in that. */
  readonly socketFolder?: string;
}

/** One or more PEM texts. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** Users who may be able to read and write the file of a secret. */
export type FileReaders = 'owner' | 'group' | 'all';

/** Paths of files with certificates and keys, as the options of the same names; empty: there is none. */
export interface TlsFiles {
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
  readonly tlsCaFile: string;
  readonly keyFileReaders: FileReaders;
}

/** Which peers this process accepts and dials. */
export interface LinkSecurity {
  /** The secret that all processes of the cluster share: at least 16 bytes, better 32 random ones. It is never sent. */
  readonly key?: string | Uint8Array;
  /**
   * For `tls:` addresses. With `ca`, both ends must present a certificate that it has signed. Without `ca`, the cluster key
   * authenticates the connection, and any certificate is accepted. `files` are where these come from: new connections use what the
   * files contain then.
   */
  readonly tls?: { readonly cert?: Pem; readonly key?: Pem; readonly ca?: Pem; readonly files?: TlsFiles };
  /** Where a link needs no key. Default `unix`: socket files that only this user can open. `loopback` accepts every user of this host. */
  readonly keyless?: 'nowhere' | 'unix' | 'loopback';
}

/** A native library that links may use; it is loaded when the first of them needs it. */
export interface LinkLibrary {
  /** True if its file exists. Loads nothing. */
  isInstalled(): boolean;
  /** Loads it now. Returns false if something is missing. */
  isLoaded(): boolean;
}
