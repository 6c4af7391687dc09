/** On which hosts the nodes of a run are, how they are reached, and how ssh starts them. */
import { hostname } from 'node:os';
import { readNamedText } from '../named-file.js';
import { ConfigError } from '../index.js';
import { quoted } from './program-args.js';
import { slurmHosts, throughSrun } from './slurm.js';
import type { Host } from '../actors/services/index.js';

/** Bytes of a file of hosts: the id space has room for 2^24 nodes. */
const MAX_BYTES = 2 ** 20;

export interface HostFlags {
  readonly nodes?: number;
  readonly hosts?: string;
  readonly hostfile?: string;
  /** The hosts are those of the Slurm job in which the command runs. */
  readonly slurm?: boolean;
  /** Options of ssh: `Port=2222`. */
  readonly sshOption: readonly string[];
  /** Name of this host for the others. */
  readonly advertise?: string;
}

export interface Links {
  readonly listen: string;
  readonly advertisedHost: string;
}

/** The hosts of a run, one for each node. Throws ConfigError where more than one flag says it, or a host is none. */
export function hostsOf(flags: HostFlags, env: NodeJS.ProcessEnv): readonly Host[] {
  const { nodes, hosts, hostfile, slurm = false } = flags;
  if ([hosts !== undefined, hostfile !== undefined, slurm].filter(Boolean).length > 1) {
    throw new ConfigError('--hosts, --hostfile and --slurm say the same: leave all but one out.');
  }
  const named = slurm ? ofJob(env) : hostfile === undefined ? hosts?.split(',') : hostsIn(hostfile);
  if (named === undefined) return local(nodes ?? 1);
  const checked = named.map((host) => host.trim()).filter((host) => host !== '');
  if (checked.length === 0) throw new ConfigError('There are no hosts: name at least one.');
  for (const host of checked) {
    if (!HOST.test(host)) throw new ConfigError(`"${host}" is no host: write name or user@name.`);
  }
  if (nodes !== undefined && nodes > checked.length) {
    throw new ConfigError(
      `--nodes ${nodes} are more than the ${checked.length} hosts: name a host twice to start two nodes there.`,
    );
  }
  return checked.slice(0, nodes).map((host, index) => ({ node: `node-${index}`, host }));
}

/** A name or address that no shell and no option of ssh could be. */
const HOST = /^([a-z_][\w.-]*@)?[a-z0-9[][\w.:[\]-]*$/i;

const LOOPBACK = /^(localhost|127\.[\d.]+|\[?::1\]?)$/;

/** Where the launcher, or the node on `host`, listens: at socket files where all is on this machine, and at loopback where all hosts are. */
export function linksOf(hosts: readonly Host[], { advertise }: HostFlags, host?: Host): Links {
  if (hosts.every((each) => each.host === '')) return { listen: 'unix:', advertisedHost: '' };
  const names = hosts.map((each) => nameOf(each.host));
  if (names.every((name) => LOOPBACK.test(name))) return { listen: 'tcp://127.0.0.1:0', advertisedHost: '' };
  const own = host === undefined ? (advertise ?? hostname()) : nameOf(host.host);
  return { listen: 'tcp://0.0.0.0:0', advertisedHost: own };
}

/** The command that runs another one on a host: by srun in a Slurm job, else by ssh. */
export function throughTo(host: string, flags: HostFlags, command: readonly string[]): readonly string[] {
  return flags.slurm === true ? throughSrun(host, command) : throughSsh(host, flags, command);
}

/** ssh asks nobody, and refuses a host whose key is not known. The host's shell reads the command. */
function throughSsh(host: string, { sshOption }: HostFlags, command: readonly string[]): readonly string[] {
  const fixed = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ServerAliveInterval=5', 'ServerAliveCountMax=3'];
  // ssh takes the first value of an option.
  return [
    'ssh',
    '-T',
    ...[...sshOption, ...fixed].flatMap((option) => ['-o', option]),
    '--',
    host,
    ...command.map(quoted),
  ];
}

/** Without the user. */
function nameOf(host: string): string {
  return host.replace(/^.*@/, '');
}

function local(nodes: number): readonly Host[] {
  return Array.from({ length: nodes }, (_, index) => ({ node: `node-${index}`, host: '' }));
}

function ofJob({ SLURM_JOB_NODELIST: list }: NodeJS.ProcessEnv): readonly string[] {
  if (list !== undefined) return slurmHosts(list);
  throw new ConfigError('--slurm needs a Slurm job, in which SLURM_JOB_NODELIST is set: use salloc or sbatch.');
}

/** One host in each line; # begins a comment. */
function hostsIn(path: string): readonly string[] {
  const text = readNamedText({ what: '--hostfile', path, maxBytes: MAX_BYTES });
  return text.split('\n').map((line) => line.replace(/#.*/, ''));
}
