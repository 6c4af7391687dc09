/** What the user says of links to other processes. */

export interface ListenOptions {
  /** Where other processes reach this one: `unix:`, `tcp://host:port` or `tls://host:port`. Default `unix:`, a socket file in a private folder. */
  readonly listen?: string;
  /** Host under which others reach this one, where that is another than the one listened on. */
  readonly advertisedHost?: string;
  /** Folder of private folders. Default: that of the system for temporary files. */
  readonly socketFolder?: string;
}

/** One or more PEM texts. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** Who may link to this process, and to whom it links. */
export interface LinkSecurity {
  /** The secret that all processes of the cluster share; at least 16 bytes, best 32 at random. Proved, never sent. */
  readonly key?: string | Uint8Array;
  /**
   * For `tls:` addresses. With `ca` both ends show a certificate that it has signed; without it the cluster key vouches for the
   * connection, and certificates need no authority.
   */
  readonly tls?: { readonly cert?: Pem; readonly key?: Pem; readonly ca?: Pem };
  /** Where no key is asked for. Default `unix`: files that only this user can open. `loopback` lets every user of this host in. */
  readonly keyless?: 'nowhere' | 'unix' | 'loopback';
}

/** A native library that links may use; it is loaded when the first of them needs it. */
export interface LinkLibrary {
  /** Looks for it without loading anything. */
  isThere(): boolean;
  /** Loads it now; false where it cannot be had. */
  isLoaded(): boolean;
}
