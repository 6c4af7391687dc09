import { ConfigError } from '../../../errors.js';

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
  /** Of Millrace. */
  readonly version: string;
  /** Added to the environment of each process of the application. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

export interface NodeStart extends RunStart {
  readonly role: 'node';
  readonly node: string;
  readonly hostId: bigint;
  /** Address of the launcher. */
  readonly launcher: string;
  /** Nodes that share this host, and so its processors. */
  readonly sharedBy: number;
  readonly faults: string;
}

export interface GlobalServicesStart extends RunStart {
  readonly role: 'global-services';
  readonly node: string;
  /** Address of the primary node. */
  readonly primary: string;
  readonly nodes: number;
}

/** Throws ConfigError for anything but the start data of this version. */
export function checkRoleStart(start: unknown, version: string): NodeStart | GlobalServicesStart {
  if (!isRoleStart(start)) throw new ConfigError('A process of a run was started with invalid start data.');
  if (start.version === version) return start;
  throw new ConfigError(`The launcher has Millrace ${start.version}, and this host ${version}: install the same.`);
}

function isRoleStart(start: unknown): start is NodeStart | GlobalServicesStart {
  if (typeof start !== 'object' || start === null || !('role' in start && 'version' in start && 'key' in start))
    return false;
  return start.role === 'node' || start.role === 'global-services';
}
