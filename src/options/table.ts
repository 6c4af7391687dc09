import { hostname } from 'node:os';
import { parseStoreAddress, STORE_ADDRESSES } from '../cluster-store/index.js';
import { isCpuList } from '../cpu-list.js';
import { HOST_NAMES, isHostName } from '../host-name.js';
import { limits } from '../limits.js';
import { isDialable, LISTEN_ADDRESSES, parseAddress, parseListenAddress } from '../socket-address.js';
import { choice, filePath, integer, type Option, text, wordOr } from '../option.js';
import { transportOptions } from '../transport/kinds/index.js';

const MAX_MS = 2 ** 31 - 1;
const MAX_BYTES = 2 ** 30;

/** Every option there is. Its environment variable is MILLRACE_ and the name: `askTimeoutMs` is MILLRACE_ASK_TIMEOUT_MS. */
export const optionTable = {
  logLevel: choice(['debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    description: 'Lowest level of log records that are written.',
  }),
  logFormat: choice(['auto', 'json', 'text'], {
    default: 'auto',
    description: 'Format of log records: auto is text on a terminal, JSON elsewhere.',
  }),
  nodeName: text({
    default:
      hostname()
        .replaceAll(/[^\w.-]/g, '-')
        .slice(0, 255) || 'local',
    defaultText: 'name of the host',
    description: 'Name of this node in logs, traces and placement.',
    accepts: 'a name of 1 to 255 letters, digits, dots, hyphens and underscores',
    isValid: (name) => /^[\w.-]{1,255}$/.test(name),
  }),
  partitions: wordOr(
    ['auto', 'machine', 'package', 'numa', 'l3', 'core'],
    integer({
      min: 1,
      max: limits.partitions,
      default: 1,
      description:
        'Partitions of one process: auto is one for each processor that it may use, within the CPU quota of its cgroups; the other words divide the machine by its topology.',
    }),
  ),
  cpuset: text({
    default: '',
    defaultText: 'all that the process may use',
    description: 'Processors for the partitions, out of those that the process may use.',
    accepts: 'a list of processors like 0-3,8, or nothing',
    isValid: (list) => list === '' || isCpuList(list),
  }),
  placement: choice(['inline', 'thread', 'process'], {
    default: 'inline',
    description:
      'Where all partitions but the first run: on the event loop of the program, on one worker thread each, or in one process each.',
  }),
  listen: text({
    default: 'none',
    description: 'Address at which other processes reach this one; none: no other process can.',
    accepts: `none, ${LISTEN_ADDRESSES}`,
    isValid: (address) => address === 'none' || parseListenAddress(address) !== undefined,
  }),
  advertisedHost: text({
    default: '',
    defaultText: 'that of `listen`',
    description: 'Name or address of this host for others, if it differs from that of listen.',
    accepts: HOST_NAMES,
    isValid: (host) => host === '' || isHostName(host),
  }),
  controlPlane: text({
    default: 'none',
    description: 'Address of the process whose control plane this one joins; none: it serves its own.',
    accepts:
      'none, or the address of another process: unix:/path, tcp://host:port, tls://host:port, ws://host:port/path, wss://host:port/path, zmq+ipc:/path, zmq+tcp://host:port (a port from 1 to 65535), or all that its runtime.controlPlane says',
    isValid: (address) => address === 'none' || leadsToProcess(address),
  }),
  clusterStore: text({
    default: 'none',
    description:
      'Store in which the processes of a cluster find the one that serves the control plane, in place of controlPlane; none: there is no store.',
    accepts: `none, ${STORE_ADDRESSES}`,
    isValid: (address) => address === 'none' || parseStoreAddress(address) !== undefined,
  }),
  clusterRole: choice(['candidate', 'member'], {
    default: 'candidate',
    description: 'With a cluster store: a candidate serves the control plane when it is elected; a member never does.',
  }),
  leaseMs: {
    ...wordOr(
      ['auto'],
      integer({
        min: limits.shortestLeaseMs,
        max: MAX_MS,
        default: limits.leaseMs,
        description: `With a cluster store: silence of the process that serves the control plane after which another candidate takes over, in ms; auto: ${limits.leaseMs}, and ${limits.fileLeaseMs} with a store in a file, where a process that has ended is noticed earlier.`,
      }),
    ),
    default: 'auto',
  },
  seeds: {
    default: [],
    defaultText: 'none',
    description:
      'Addresses of processes whose network this one joins, without a control plane; one of them that is up is enough, and a process that finds none begins the network. An empty list means no network.',
    accepts:
      'at most 64 addresses of processes, as an array or as text with commas; each is one of unix:/path, tcp://host:port, tls://host:port, ws://host:port/path, wss://host:port/path, zmq+ipc:/path, zmq+tcp://host:port',
    check: (value) =>
      Array.isArray(value) ? seedsIn(value) : typeof value === 'string' ? seedsIn(value.split(',')) : undefined,
    parse: (list) => seedsIn(list.split(',')),
  } satisfies Option<readonly string[]>,
  peersFile: filePath(
    'With seeds: file in which the addresses of other members are remembered; after a restart they are seeds.',
  ),
  probeMs: integer({
    min: 20,
    max: 60_000,
    default: limits.networkProbeMs,
    description:
      'With seeds: time between two probes of other members, in ms; all other times of the membership follow from it.',
  }),
  coordinationBytes: integer({
    min: 1,
    max: MAX_BYTES,
    default: limits.networkBytes,
    description:
      'With seeds: bytes a second that a process may send to coordinate its network; signs of life are sent in any case.',
  }),
  clusterKeyFile: filePath('File with the secret that all processes of the cluster share, at least 16 bytes.'),
  keyFileReaders: choice(['owner', 'group', 'all'], {
    default: 'owner',
    description:
      'Users who may be able to read the files of clusterKeyFile and tlsKeyFile; more permissive files are refused.',
  }),
  keyless: choice(['nowhere', 'unix', 'loopback'], {
    default: 'unix',
    description: 'Links that need no cluster key: unix means socket files that only this user can open.',
  }),
  tlsCertFile: filePath('Certificate of this process for tls: addresses, PEM.'),
  tlsKeyFile: filePath('Private key of that certificate, PEM.'),
  tlsCaFile: filePath('Certificates of the authority that signs those of all processes, PEM.'),
  ...transportOptions,
  askTimeoutMs: integer({
    min: 1,
    max: MAX_MS,
    default: limits.askTimeoutMs,
    description: 'Default deadline of an ask, in ms.',
  }),
  callChain: integer({
    min: 1,
    max: limits.linkCallChain,
    default: limits.callChain,
    description: 'Bound of the asks that may wait on one another in one chain.',
  }),
  stopTimeoutMs: integer({
    min: 1,
    max: MAX_MS,
    default: limits.stopTimeoutMs,
    description: 'Time in which the pending handler of a stopping actor must settle, in ms; then it is abandoned.',
  }),
  linkDeadMs: integer({
    min: 100,
    max: MAX_MS,
    default: limits.linkDeadMs,
    description: 'Silence after which a link counts as dead, in ms.',
  }),
  mailboxMessages: integer({
    min: 8,
    max: 2 ** 24,
    default: limits.mailboxMessages,
    description: 'Default bound of the messages in one mailbox.',
  }),
  mailboxBytes: integer({
    min: 65_536,
    max: 2 ** 40,
    default: limits.mailboxBytes,
    description: 'Bound of the encoded bytes that messages from links have in all mailboxes of one process.',
  }),
  maxMessageBytes: integer({
    min: 1_024,
    max: MAX_BYTES,
    default: limits.maxMessageBytes,
    description: 'Bound of the bytes of one encoded message with its routing.',
  }),
  streamItems: integer({
    min: 1,
    max: 2 ** 24,
    default: limits.streamItems,
    description: 'Elements that the reader of a stream grants its writer at a time.',
  }),
  streamBytes: integer({
    min: 1_024,
    max: MAX_BYTES,
    default: limits.streamBytes,
    description: 'Encoded bytes that the reader of a stream grants its writer at a time.',
  }),
  borrowedFields: choice(['in-place', 'poisoned'], {
    default: 'in-place',
    description:
      'How handlers get large borrowed fields of messages from other partitions: where they lie, or as copies that are overwritten when they are released, which finds uses after that.',
  }),
  // A receiver takes what a sender has under way when it hears that a mailbox is full, up to linkParkedBytes.
  linkBacklogBytes: integer({
    min: 1_024,
    max: limits.linkParkedBytes / 2,
    default: limits.linkBacklogBytes,
    description: 'Bound of the bytes that wait for credit on one link.',
  }),
} as const satisfies Readonly<Record<string, Option<unknown>>>;

/**
 * Whether one of the alternatives of an address, which blanks separate, is that of a socket, and none is a wrong one. What else they may be
 * the transports know.
 */
function leadsToProcess(alternatives: string): boolean {
  const sockets = alternatives
    .split(' ')
    .map((word) => word.replace(/^local:[^!]+!/, ''))
    .filter((word) => /^(unix|tcp|tls|wss?|zmq\+ipc|zmq\+tcp):/i.test(word))
    .map((word) => parseAddress(word));
  return sockets.length > 0 && sockets.every((address) => address !== undefined && isDialable(address));
}

/** The addresses of a list, without empty ones; undefined where one is wrong. */
function seedsIn(list: readonly unknown[]): readonly string[] | undefined {
  const seeds = list.flatMap((each) => (typeof each === 'string' ? [each.trim()] : [])).filter((each) => each !== '');
  const isWhole = list.every((each) => typeof each === 'string') && seeds.length <= limits.networkPeers;
  return isWhole && seeds.every(leadsToProcess) ? seeds : undefined;
}

export type OptionName = keyof typeof optionTable;

/** A value for every option. */
export type OptionValues = {
  readonly [Name in OptionName]: (typeof optionTable)[Name] extends Option<infer T> ? T : never;
};

export const optionNames: readonly OptionName[] = Object.keys(optionTable).filter(isOptionName);

/** `askTimeoutMs` -> `MILLRACE_ASK_TIMEOUT_MS`. */
export function variableOf(name: OptionName): string {
  return `MILLRACE_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(optionTable, name);
}

/** Whether `values` has an accepted value for every option. */
export function areOptionValues(values: Readonly<Record<string, unknown>>): values is OptionValues {
  return optionNames.every((name) => optionTable[name].check(values[name]) !== undefined);
}
