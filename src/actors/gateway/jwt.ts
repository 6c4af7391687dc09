import type * as jose from 'jose';
import { ConfigError, Refusal, ResourceError } from '../../errors.js';
import { codeOf, messageOf } from '../../foreign.js';
import type { Authenticate, Identity } from './identity.js';

/** How tokens are verified: one of `secret`, `publicKey` and `jwks`. */
export interface JwtOptions {
  /** Of HMAC: at least 32 bytes for HS256. */
  readonly secret?: string | Uint8Array;
  /** In PEM (SPKI). */
  readonly publicKey?: string;
  /** Where the issuer publishes its keys, such as `https://login.example/.well-known/jwks.json`. */
  readonly jwks?: string | URL;
  /** Accepted algorithms, such as `['RS256']`. Tokens that name another one are refused. */
  readonly algorithms: readonly string[];
  readonly issuer: string;
  readonly audience: string;
  /** The claim with the roles: an array of texts, or a text with spaces between them. Default `roles`. */
  readonly rolesClaim?: string;
}

type Jose = Pick<typeof jose, 'jwtVerify' | 'importSPKI' | 'createRemoteJWKSet'>;
type Payload = Readonly<Record<string, unknown>>;

const NAME: string = 'jose';

/**
 * Lets clients in whose token is a JSON Web Token of this issuer for this audience. `sub` is the subject; the connection ends with the token (`exp`), which a
 * token must have. Needs the package jose. Throws ConfigError for wrong options.
 *
 *     authenticate: jwtAuthentication({ jwks: 'https://login.example/jwks.json', algorithms: ['RS256'], issuer: 'https://login.example', audience: 'prices' }),
 */
export function jwtAuthentication(options: JwtOptions): Authenticate {
  checkJwtOptions(options);
  let verifying: Promise<(token: string) => Promise<Payload>> | undefined;
  return async ({ token }) => {
    if (token === '') return undefined;
    // Once for all clients; a failure is tried again with the next one.
    verifying ??= verifier(options).catch((error: unknown) => {
      verifying = undefined;
      throw error;
    });
    const verify = await verifying;
    return identityOf(await verify(token).catch(refusedOrFailed), options.rolesClaim ?? 'roles');
  };
}

/** Codes of jose that say something of the keys' server, and nothing of the token. What is no error of jose, such as a failed fetch, does neither. */
const OF_KEYS: readonly string[] = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT', 'ERR_JWK_INVALID'];

function refusedOrFailed(error: unknown): never {
  const code = codeOf(error);
  const isOfToken = code !== undefined && /^ERR_J(OSE|W[STK]|WKS)_/.test(code) && !OF_KEYS.includes(code);
  if (!isOfToken) throw error;
  throw new Refusal('UNAUTHENTICATED', `${code}: ${messageOf(error)}`);
}

async function verifier(options: JwtOptions): Promise<(token: string) => Promise<Payload>> {
  const { jwtVerify, importSPKI, createRemoteJWKSet } = await loadJose();
  const { secret, publicKey, jwks, issuer, audience } = options;
  const algorithms = [...options.algorithms];
  const checks = { algorithms, issuer, audience, requiredClaims: ['sub', 'exp'] };
  if (jwks !== undefined) {
    const keys = createRemoteJWKSet(new URL(jwks));
    return async (token) => (await jwtVerify(token, keys, checks)).payload;
  }
  const key = publicKey === undefined ? bytesOf(secret ?? '') : await importSPKI(publicKey, algorithms[0] ?? 'RS256');
  return async (token) => (await jwtVerify(token, key, checks)).payload;
}

function identityOf(claims: Payload, rolesClaim: string): Identity | undefined {
  const { sub, exp, [rolesClaim]: roles } = claims;
  if (typeof sub !== 'string' || typeof exp !== 'number') return undefined;
  return { subject: sub, roles: rolesOf(roles), expiresAtMs: exp * 1_000 };
}

function rolesOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((role) => role !== '');
  return Array.isArray(claim) ? claim.filter((role) => typeof role === 'string') : [];
}

function bytesOf(secret: string | Uint8Array): Uint8Array {
  return typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
}

/** HMAC with a short secret can be guessed from one token. */
const SHORTEST_SECRET_BYTES = 32;

function checkJwtOptions({ secret, publicKey, jwks, algorithms, issuer, audience }: JwtOptions): void {
  if ([secret, publicKey, jwks].filter((key) => key !== undefined).length !== 1) {
    throw new ConfigError('jwtAuthentication needs one of secret, publicKey and jwks.');
  }
  if (secret !== undefined && bytesOf(secret).length < SHORTEST_SECRET_BYTES) {
    throw new ConfigError(`secret of jwtAuthentication needs at least ${SHORTEST_SECRET_BYTES} bytes.`);
  }
  if (jwks !== undefined && !/^https?:$/.test(protocolOf(jwks))) {
    throw new ConfigError('jwks of jwtAuthentication must be a url like https://login.example/.well-known/jwks.json.');
  }
  if (publicKey !== undefined) checkPublicKey(publicKey);
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new ConfigError("jwtAuthentication needs algorithms, such as ['RS256'].");
  }
  // A public key is known to everybody: as the secret of HMAC it would let everybody in.
  const isHmac = (name: unknown): boolean => String(name).startsWith('HS');
  if (!algorithms.every((name) => isHmac(name) === (secret !== undefined))) {
    throw new ConfigError(
      'algorithms of jwtAuthentication: HS256, HS384 and HS512 are for secret, all others for public keys.',
    );
  }
  for (const [name, value] of Object.entries({ issuer, audience })) {
    if (typeof value !== 'string' || value === '')
      throw new ConfigError(`jwtAuthentication needs the ${name} of tokens.`);
  }
}

function protocolOf(url: string | URL): string {
  return URL.canParse(String(url)) ? new URL(String(url)).protocol : '';
}

function checkPublicKey(pem: string): void {
  const { createPublicKey } = process.getBuiltinModule('node:crypto');
  try {
    if (!pem.includes('BEGIN PUBLIC KEY')) throw new ConfigError('It does not begin with -----BEGIN PUBLIC KEY-----.');
    createPublicKey(pem);
  } catch (cause) {
    throw new ConfigError(`publicKey of jwtAuthentication is no public key in PEM (SPKI): ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Rejects with ResourceError where the package is missing. The name is no literal, so that bundlers leave the package to run time. */
async function loadJose(): Promise<Jose> {
  let cause: unknown;
  try {
    const found: unknown = await import(NAME);
    if (isJose(found)) return found;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError('jwtAuthentication needs the package jose, version 6. Run: npm install jose', { cause });
}

function isJose(found: unknown): found is Jose {
  return typeof found === 'object' && found !== null && 'jwtVerify' in found && 'createRemoteJWKSet' in found;
}
