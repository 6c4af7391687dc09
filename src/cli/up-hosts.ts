/** On which hosts the nodes of a run are, how they are reached, and how ssh starts them. */
import { hostname } from 'node:os';
import { shownValue } from '../foreign.js';
import { HOST_NAMES, isHostName, isLoopbackHost, withoutBrackets } from '../host-name.js';
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
  /** Links between hosts are inside TLS. */
  readonly tls?: boolean;
}

export interface Links {
  readonly listen: string;
  readonly advertisedHost: string;
}

/** The hosts of a run, one for each node. Throws ConfigError where more than one flag says it, or a host is none. */
export function hostsOf(flags: HostFlags, env: NodeJS.ProcessEnv): readonly Host[] {
  const { nodes, hosts, hostfile, slurm = false, advertise } = flags;
  if (advertise !== undefined && !isHostName(withoutBrackets(advertise))) {
    throw new ConfigError(`--advertise ${shown(advertise)} is no host: write ${HOST_NAMES}.`);
  }
  if ([hosts !== undefined, hostfile !== undefined, slurm].filter(Boolean).length > 1) {
    throw new ConfigError('--hosts, --hostfile and --slurm say the same: leave all but one out.');
  }
  const named = slurm ? ofJob(env) : hostfile === undefined ? hosts?.split(',').map(inList) : hostsIn(hostfile);
  if (named === undefined) return local(nodes ?? 1);
  const checked = named.filter(({ text }) => text.trim() !== '').map(checkedHost);
  if (checked.length === 0) throw new ConfigError('There are no hosts: name at least one.');
  if (nodes !== undefined && nodes > checked.length) {
    throw new ConfigError(
      `--nodes ${nodes} are more than the ${checked.length} hosts: name a host twice to start two nodes there.`,
    );
  }
  return checked.slice(0, nodes).map((host, index) => ({ node: `node-${index}`, host }));
}

/** Enough of a wrong host to find it. */
const SHOWN_CHARACTERS = 100;

function shown(host: string): string {
  return shownValue(host.length > SHOWN_CHARACTERS ? `${host.slice(0, SHOWN_CHARACTERS)}...` : host);
}

/** A host as a user has written it, and where. */
interface WrittenHost {
  readonly text: string;
  /** As errors say it: `--hosts`, or `--hostfile hosts.txt, line 3`. */
  readonly origin: string;
}

/** What ssh takes: no shell and no option of ssh is such a text. */
function checkedHost({ text, origin }: WrittenHost): string {
  const [, user = '', name = ''] = /^([a-z_][\w.-]{0,63}@)?(.*)$/is.exec(text.trim()) ?? [];
  const host = withoutBrackets(name);
  if (isHostName(host)) return user + host;
  throw new ConfigError(
    `${origin}: ${shown(text.trim())} is no host. Write ${HOST_NAMES}, with or without user@ before it. ` +
      'List each host by itself, and give a port by --ssh-option Port=2222.',
  );
}

/**
 * Where the launcher, or the node on `host`, listens: at socket files where all is on this machine, and at loopback where all hosts are. Where
 * some are, others cannot reach those by the name in the list: this machine has one name for all hosts, that of the launcher.
 */
export function linksOf(hosts: readonly Host[], { advertise, tls = false }: HostFlags, host?: Host): Links {
  if (hosts.every((each) => each.host === '')) return { listen: 'unix:', advertisedHost: '' };
  const scheme = tls ? 'tls' : 'tcp';
  if (hosts.every(isHere)) return { listen: `${scheme}://127.0.0.1:0`, advertisedHost: '' };
  const own = host === undefined || isHere(host) ? withoutBrackets(advertise ?? hostname()) : nameOf(host.host);
  return { listen: `${scheme}://0.0.0.0:0`, advertisedHost: own };
}

/** Nodes of a run on the machine of `host`, which share its processors. A machine may be in the list under several names of this one. */
export function nodesBeside(hosts: readonly Host[], host: Host): number {
  return hosts.filter((other) => (isHere(host) ? isHere(other) : nameOf(other.host) === nameOf(host.host))).length;
}

/** Whether the host is the machine of the launcher. */
function isHere({ host }: Host): boolean {
  const name = nameOf(host);
  return name === '' || isLoopbackHost(name) || name === hostname();
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

function ofJob({ SLURM_JOB_NODELIST: list }: NodeJS.ProcessEnv): readonly WrittenHost[] {
  if (list !== undefined) return slurmHosts(list).map((text) => ({ text, origin: 'SLURM_JOB_NODELIST' }));
  throw new ConfigError('--slurm needs a Slurm job, in which SLURM_JOB_NODELIST is set: use salloc or sbatch.');
}

function inList(text: string): WrittenHost {
  return { text, origin: '--hosts' };
}

/** One host in each line; # begins a comment. */
function hostsIn(path: string): readonly WrittenHost[] {
  const lines = readNamedText({ what: '--hostfile', path, maxBytes: MAX_BYTES }).split('\n');
  return lines.map((line, index) => ({
    text: line.replace(/#.*/, ''),
    origin: `--hostfile ${path}, line ${index + 1}`,
  }));
}
