/** Names and addresses of hosts, as options, addresses and lists of hosts have them. Resolves nothing. */

/** What `isHostName` accepts, for help and errors. */
export const HOST_NAMES =
  'a host name (letters, digits, dots, hyphens and underscores, at most 253 characters), an IPv4 address, or an IPv6 address without brackets';

const MAX_CHARACTERS = 253;

/** 1 to 63 characters between dots; a hyphen is neither the first nor the last. */
const WORD = '[a-z0-9_](?:[\\w-]{0,61}[a-z0-9_])?';

/** A dot may end a name: the resolver then appends no domain. */
const NAME = new RegExp(`^${WORD}(?:\\.${WORD})*\\.?$`, 'i');

/** An IPv4 address as the resolver reads it: one to four numbers, decimal, octal or hexadecimal. `127.1` is one. */
const NUMBERS = /^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i;

/** An IPv4 address in an IPv6 one, as URL writes it. */
const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

/** Whether a text can be the name or address of a host. An IPv6 address has no brackets. */
export function isHostName(host: string): boolean {
  if (host.length > MAX_CHARACTERS) return false;
  if (host.includes(':')) return /^[\da-f:.]+$/i.test(host) && urlHost(`[${host}]`) !== undefined;
  return NAME.test(host) && (!/^[\d.]+$/.test(host) || (NUMBERS.test(host) && urlHost(host) !== undefined));
}

/** Whether only processes of this machine can connect there: `localhost`, and all spellings of 127.0.0.0/8 and ::1. */
export function isLoopbackHost(host: string): boolean {
  const plain = plainHost(host);
  return plain === 'localhost' || plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain);
}

/** Whether the host means all interfaces: all spellings of 0.0.0.0 and ::. */
export function isWildcardHost(host: string): boolean {
  const plain = plainHost(host);
  return plain === '0.0.0.0' || plain === '::';
}

/** `[::1]` -> `::1`. Addresses with ports, and some users, write an IPv6 address in brackets. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[([^[\]]*:[^[\]]*)\]$/, '$1');
}

/** One spelling of all those of an address, and of a name in lower case: `0x7f000001` and `::ffff:127.0.0.1` are `127.0.0.1`. */
function plainHost(host: string): string {
  const isIpv6 = host.includes(':');
  if (!isIpv6 && !NUMBERS.test(host)) return host.toLowerCase();
  const plain = withoutBrackets(urlHost(isIpv6 ? `[${host}]` : host) ?? host);
  const [, high, low] = MAPPED.exec(plain) ?? [];
  if (high === undefined || low === undefined) return plain;
  return [high, low].flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]).join('.');
}

/** The host of a URL, in which addresses have one spelling. Undefined where a URL cannot have it. */
function urlHost(host: string): string | undefined {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
}
