/** Where a cluster store is. */
export type StoreAddress =
  | { readonly kind: 'embedded'; readonly path: string }
  | {
      readonly kind: 'nats';
      /** `host:port` of one server or several. */
      readonly servers: readonly string[];
      readonly bucket: string;
      /** A token where there is no password. */
      readonly user: string;
      readonly password: string;
    };

/** What `parseStoreAddress` accepts, for help and errors. */
export const STORE_ADDRESSES =
  'embedded:PATH (a file, for the processes of one host), or nats://host:port/bucket (several servers: nats://a:4222,b:4222,c:4222/bucket; ' +
  'a user: nats://user:password@host:4222/bucket)';

const NATS =
  /^nats:\/\/(?:(?<user>[^:@/\s]+)(?::(?<password>[^@/\s]*))?@)?(?<servers>[\w.:[\],-]+)(?:\/(?<bucket>[\w-]{1,64}))?\/?$/;
const SERVER = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::(?<port>\d{1,5}))?$/i;
const EMBEDDED = /^embedded:(?<path>[^\s\0]([^\0]*[^\s\0])?)$/;
const NATS_PORT = 4222;
const DEFAULT_BUCKET = 'millrace';

/** Returns undefined for a text that is not the address of a store. */
export function parseStoreAddress(text: string): StoreAddress | undefined {
  const path = EMBEDDED.exec(text)?.groups?.['path'];
  if (path !== undefined) return { kind: 'embedded', path };
  const groups = NATS.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const servers = (groups['servers'] ?? '').split(',').map(serverOf);
  if (!servers.every((server) => server !== undefined)) return undefined;
  const { bucket = DEFAULT_BUCKET, user = '', password = '' } = groups;
  return { kind: 'nats', servers, bucket, user: decoded(user), password: decoded(password) };
}

/** The address without a password. */
export function formatStoreAddress(address: StoreAddress): string {
  return address.kind === 'embedded'
    ? `embedded:${address.path}`
    : `nats://${address.servers.join(',')}/${address.bucket}`;
}

function serverOf(text: string): string | undefined {
  const found = SERVER.exec(text);
  if (found === null) return undefined;
  const port = found.groups?.['port'];
  if (port === undefined) return `${text}:${NATS_PORT}`;
  return Number(port) >= 1 && Number(port) <= 0xffff ? text : undefined;
}

/** As in other URLs, `%40` is an `@`. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
