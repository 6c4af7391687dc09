import { ConfigError } from '../../../errors.js';
import { isRecord } from '../../../foreign.js';
import type { TlsFiles } from '../../../transport/index.js';

/** What the processes of one run share. Plain data: it travels over standard input. */
export interface RunStart {
  readonly run: string;
  /** The run's own folder on this host: sockets, and the file of the key. Empty: the usual place. */
  readonly folder: string;
  /** The secret of the run. It is in no argument, and in no environment. */
  readonly key: string;
  /** Where processes listen: `unix:` in the folder, or `tcp://host:0`. */
  readonly listen: string;
  /** Name of this host for others; empty: that of `listen`. */
  readonly advertisedHost: string;
  /** For `tls:` addresses: files of this host, which has its own at these paths. Undefined: nothing of the run is encrypted. */
  readonly tls: TlsFiles | undefined;
  /** Address of the launcher. */
  readonly launcher: string;
  /** Of this process alone: it says it with its first greeting. */
  readonly secret: string;
  /** By which global services follow others. */
  readonly store: RunStore | undefined;
  /** Of Millrace. */
  readonly version: string;
  /** Added to the environment of each process of the application. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** The cluster store of a run. */
export interface RunStore {
  readonly address: string;
  /** As the option leaseMs. */
  readonly leaseMs: number | 'auto';
}

export interface NodeStart extends RunStart {
  readonly role: 'node';
  readonly node: string;
  readonly hostId: bigint;
  /** Nodes that share this host, and so its processors. */
  readonly sharedBy: number;
  readonly faults: string;
}

export interface GlobalServicesStart extends RunStart {
  readonly role: 'global-services';
  readonly node: string;
  /** Where the roles of its node are reached, and the index of that. */
  readonly nodeAddress: string;
  readonly nodeIndex: number;
  readonly nodes: number;
}

/** Throws ConfigError for anything but the start data of this version. */
export function checkRoleStart(start: unknown, version: string): NodeStart | GlobalServicesStart {
  if (!isRoleStart(start)) throw new ConfigError('A process of a run was started with invalid start data.');
  if (start.version === version) return start;
  throw new ConfigError(`The launcher has Millrace ${start.version}, and this host ${version}: install the same.`);
}

const RUN_TEXTS = ['run', 'folder', 'key', 'listen', 'advertisedHost', 'launcher', 'secret', 'version', 'node'];
const TLS_TEXTS = ['tlsCertFile', 'tlsKeyFile', 'tlsCaFile'];
const READERS: readonly unknown[] = ['owner', 'group', 'all'];
const LEVELS: readonly unknown[] = ['debug', 'info', 'warn', 'error'];

function isRoleStart(start: unknown): start is NodeStart | GlobalServicesStart {
  if (!isRecord(start) || !areTexts(start, RUN_TEXTS) || !LEVELS.includes(start['logLevel'])) return false;
  const { role, environment } = start;
  if (!isRecord(environment) || Array.isArray(environment) || !areTexts(environment, Object.keys(environment)))
    return false;
  if (!isTls(start['tls']) || !isStore(start['store'])) return false;
  if (!isFolderName(start['run']) || !isFolderName(start['node'])) return false;
  if (role === 'global-services') {
    return areTexts(start, ['nodeAddress']) && isCount(start['nodes']) && Number.isSafeInteger(start['nodeIndex']);
  }
  return (
    role === 'node' && areTexts(start, ['faults']) && isCount(start['sharedBy']) && typeof start['hostId'] === 'bigint'
  );
}

function isTls(tls: unknown): boolean {
  if (tls === undefined) return true;
  return isRecord(tls) && areTexts(tls, TLS_TEXTS) && READERS.includes(tls['keyFileReaders']);
}

function isStore(store: unknown): boolean {
  if (store === undefined) return true;
  return isRecord(store) && areTexts(store, ['address']) && (store['leaseMs'] === 'auto' || isCount(store['leaseMs']));
}

/** Names of the run and the node are those of folders: one that leads elsewhere, or to the folder of another role, is refused. */
function isFolderName(name: unknown): boolean {
  return typeof name === 'string' && /^[\w-]+$/.test(name) && name !== 'launcher';
}

function areTexts(start: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return names.every((name) => typeof start[name] === 'string');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
