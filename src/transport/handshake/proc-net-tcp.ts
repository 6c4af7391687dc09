import { readFile } from 'node:fs/promises';
import type { ConnectionSocket } from './connection-socket.js';

/** The two ends of a TCP connection, from this host. */
export interface Endpoints {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Columns: local and remote address, retransmissions without an acknowledgement (hexadecimal), and unanswered probes. */
const [LOCAL, REMOTE, RETRANSMITS, PROBES] = [1, 2, 6, 8] as const;

/**
 * Whether the other host acknowledges nothing. Node cannot set TCP_USER_TIMEOUT, so we read the kernel's tables: the kernel of a stopped
 * process still acknowledges, an unreachable host does not. False on systems without these tables.
 */
async function isUnacknowledged(endpoints: Endpoints): Promise<boolean> {
  for (const table of TABLES) {
    const unanswered = unansweredIn(await readFile(table, 'latin1').catch(() => ''), endpoints);
    if (unanswered !== undefined) return unanswered > 0;
  }
  return false;
}

/** Returns a probe for the host at the other end of a TCP socket; undefined if the socket is closed. */
export function hostSilenceProbe(socket: ConnectionSocket): (() => Promise<boolean>) | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return () => isUnacknowledged({ localAddress, localPort, remoteAddress, remotePort });
}

/** Retransmissions and probes since the other kernel last acknowledged; undefined for a connection that is not in the table. */
export function unansweredIn(table: string, endpoints: Endpoints): number | undefined {
  const locals = kernelNames(endpoints.localAddress, endpoints.localPort);
  const remotes = kernelNames(endpoints.remoteAddress, endpoints.remotePort);
  for (const line of table.split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (!locals.includes(columns[LOCAL] ?? '') || !remotes.includes(columns[REMOTE] ?? '')) continue;
    return Number.parseInt(columns[RETRANSMITS] ?? '', 16) + Number(columns[PROBES]);
  }
  return undefined;
}

/** An address and port as the tables write them: 32-bit words in little-endian order. */
function kernelNames(address: string, port: number): string[] {
  const end = `:${port.toString(16).padStart(4, '0')}`;
  const bytes = bytesOf(address);
  const words = Array.from({ length: bytes.length / 4 }, (_, word) => bytes.slice(word * 4, word * 4 + 4).toReversed());
  const name = words.map((word) => word.map((byte) => byte.toString(16).padStart(2, '0')).join('')).join('');
  const mapped = '0000000000000000ffff0000';
  const both = name.length === 8 ? [name, mapped + name] : [name, ...(name.startsWith(mapped) ? [name.slice(24)] : [])];
  return both.map((each) => (each + end).toUpperCase());
}

/** 4 bytes of an IPv4 address, 16 of an IPv6 address. */
function bytesOf(address: string): number[] {
  const dotted = /^(.*:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, before, ...digits] = dotted ?? [];
  const tail = digits.map(Number);
  if (dotted !== null && before === undefined) return tail;
  const [left = '', right] = (before ?? address.replace(/%.*$/, '')).split('::');
  const head = groupsIn(left);
  const end = [...groupsIn(right ?? ''), ...tail];
  return [...head, ...Array.from({ length: 16 - head.length - end.length }, () => 0), ...end];
}

function groupsIn(text: string): number[] {
  const groups = text.split(':').filter((group) => group !== '');
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((value) => [value >> 8, value & 0xff]);
}
