import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Meta } from '../../protocol/index.js';

/** What a client says of itself, and where it comes from. */
export interface Credentials {
  /** Of `connect`; empty where it has none. */
  readonly token: string;
  /** Address of its host; that of the proxy where there is one. */
  readonly address: string;
  /** Of the page in a browser; undefined for programs. */
  readonly origin: string | undefined;
  /** Of the request that opened the WebSocket, cookies included. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Who a client is. */
export interface Identity {
  /** For the log, and for handlers: they find it in `ctx.meta` as `client`. */
  readonly subject: string;
  /** Which rules of `allow` hold for it, beside those for everyone. Default: none. */
  readonly roles?: readonly string[];
  /** Meta of all its calls, beside `client`. */
  readonly meta?: Meta;
  /** Then the connection ends, in ms since 1970. The client connects again with a new token where it has a function that gives one. */
  readonly expiresAtMs?: number;
}

/**
 * Who the client is; undefined for one that is not let in, or a thrown `Refusal`, which says why in the log. Any other error means that nobody could say,
 * as when the login server is away: it is logged, and the client tries again.
 */
export type Authenticate = (credentials: Credentials) => Identity | undefined | Promise<Identity | undefined>;

/** Of every client of a gateway that lets everyone in. */
export const ANYONE: Identity = { subject: 'anyone' };

const MINIMUM_TOKEN_CHARACTERS = 16;

/**
 * Lets clients in that have one of these tokens. They are compared in constant time. Throws ConfigError for a token that can be guessed: they have at least 16 characters.
 *
 *     authenticate: tokenAuthentication({ [process.env.PAGE_TOKEN]: { subject: 'page', roles: ['reader'] } }),
 */
export function tokenAuthentication(identities: Readonly<Record<string, Identity>>): Authenticate {
  const { createHash, timingSafeEqual } = process.getBuiltinModule('node:crypto');
  // Digests have one length, and say nothing of how much of a token is right.
  const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
  const known = Object.entries(identities).map(([token, identity]) => {
    if (token.length < MINIMUM_TOKEN_CHARACTERS) {
      throw new ConfigError(
        `A token of tokenAuthentication has ${token.length} characters, and needs at least ${MINIMUM_TOKEN_CHARACTERS}: openssl rand -hex 32 makes one.`,
      );
    }
    checkIdentity(identity);
    return { digest: digestOf(token), identity };
  });
  if (known.length === 0) throw new ConfigError('tokenAuthentication has no token: no client could connect.');
  return ({ token }) => {
    const digest = digestOf(token);
    let found: Identity | undefined;
    for (const { digest: own, identity } of known) if (timingSafeEqual(own, digest)) found = identity;
    return found;
  };
}

/** Throws ConfigError for what is no identity. */
export function checkIdentity(value: unknown): asserts value is Identity {
  const { subject, roles, meta, expiresAtMs }: Readonly<Record<string, unknown>> =
    typeof value === 'object' && value !== null ? { ...value } : {};
  const areRoles = roles === undefined || (Array.isArray(roles) && roles.every((role) => typeof role === 'string'));
  const isTime = expiresAtMs === undefined || typeof expiresAtMs === 'number';
  const isSubject = typeof subject === 'string' && subject !== '';
  if (isSubject && areRoles && isTime && (meta === undefined || isMeta(meta))) return;
  throw new ConfigError(
    "The identity of a client is an object like { subject: 'page', roles: ['reader'] }, with optional expiresAtMs, and meta, an object of texts that a message can carry.",
  );
}

/** Else each call of the client would fail. */
function isMeta(meta: unknown): boolean {
  if (typeof meta !== 'object' || meta === null) return false;
  const entries = Object.entries(meta).map(([name, text]: [string, unknown]) => ({ name, text }));
  let bytes = 0;
  for (const { name, text } of entries) {
    if (typeof text !== 'string') return false;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + META_ENTRY_BYTES;
  }
  return bytes <= limits.metaBytes / 2;
}

/** What an entry takes beside its texts at most. The other half of the bytes is for the subject, and what handlers add. */
const META_ENTRY_BYTES = 12;
