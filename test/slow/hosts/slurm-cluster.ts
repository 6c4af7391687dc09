/** A real Slurm on hosts of a test: slurmctld on the first, and on each a munged and a slurmd. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { eventually } from '../../support/until.js';
import { HOST_FOLDER, type HostName, NAMES, type NamespacedHosts } from './namespaced-hosts.js';

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'srun', 'salloc', 'sinfo'];
const SOCKET = join(HOST_FOLDER, 'munge.socket');
const PATIENCE_MS = 60_000;

/** Why there can be none; undefined where there can. */
export function whyNoSlurm(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const missing = PROGRAMS.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  const packages = 'munge slurmctld slurmd slurm-client';
  return missing.length === 0
    ? undefined
    : `it needs ${missing.join(', ')}, not found. Debian: apt-get install -y ${packages}`;
}

/** The variables that lead the commands of Slurm to it. */
export function slurmEnvironment(folder: string): Readonly<Record<string, string>> {
  return { SLURM_CONF: join(folder, 'slurm.conf') };
}

export class SlurmCluster {
  readonly #hosts: NamespacedHosts;
  readonly #said: string[] = [];
  readonly #daemons: ChildProcess[] = [];

  private constructor(hosts: NamespacedHosts) {
    this.#hosts = hosts;
  }

  /** Resolves when all hosts are idle nodes. They end with their hosts. */
  static async start(hosts: NamespacedHosts): Promise<SlurmCluster> {
    const cluster = new SlurmCluster(hosts);
    cluster.#configure();
    for (const name of NAMES) await cluster.#startMunge(name);
    cluster.#daemon('one', ['slurmctld', '-D', '-f', cluster.#conf]);
    for (const name of NAMES) cluster.#daemon(name, ['slurmd', '-D', '-f', cluster.#conf, '-N', name]);
    try {
      await eventually(() => cluster.#idle() === NAMES.length, PATIENCE_MS);
    } catch (cause) {
      throw new Error(`Slurm has not come up: ${cluster.#said.join('').slice(-2_000)}`, { cause });
    }
    return cluster;
  }

  get #conf(): string {
    return join(this.#hosts.folder, 'slurm.conf');
  }

  #configure(): void {
    const { folder } = this.#hosts;
    writeFileSync(join(folder, 'munge.key'), randomBytes(128), { mode: 0o400 });
    for (const name of NAMES) for (const part of ['state', 'spool']) mkdirSync(join(folder, name, part));
    const settings = {
      ClusterName: 'millrace',
      SlurmctldHost: 'one',
      SlurmUser: 'root',
      AuthType: 'auth/munge',
      AuthInfo: `socket=${SOCKET}`,
      StateSaveLocation: join(HOST_FOLDER, 'state'),
      SlurmdSpoolDir: join(HOST_FOLDER, 'spool'),
      SlurmctldPidFile: join(HOST_FOLDER, 'slurmctld.pid'),
      SlurmdPidFile: join(HOST_FOLDER, 'slurmd.pid'),
      ProctrackType: 'proctrack/linuxproc',
      TaskPlugin: 'task/none',
      SwitchType: 'switch/none',
      MpiDefault: 'none',
      JobAcctGatherType: 'jobacct_gather/none',
      ReturnToService: '2',
      SchedulerType: 'sched/builtin',
      SelectType: 'select/cons_tres',
      SelectTypeParameters: 'CR_CPU',
    };
    const nodes = NAMES.map((name) => `NodeName=${name} CPUs=2 State=UNKNOWN`);
    const partition = `PartitionName=all Nodes=${NAMES.join()} Default=YES MaxTime=INFINITE State=UP`;
    const lines = [...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ...nodes, partition, ''];
    writeFileSync(this.#conf, lines.join('\n'));
    // Hosts of namespaces have no cgroups of their own. This plugin needs none until a job is to be bounded by them.
    writeFileSync(join(folder, 'cgroup.conf'), 'CgroupPlugin=cgroup/v1\n');
  }

  async #startMunge(name: HostName): Promise<void> {
    const { folder } = this.#hosts;
    const files = ['log', 'pid', 'seed'].map((kind) => join(HOST_FOLDER, `munged.${kind}`));
    const [log, pid, seed] = files;
    const words = [`--key-file=${join(folder, 'munge.key')}`, `--socket=${SOCKET}`];
    this.#daemon(name, [
      'munged',
      '--foreground',
      '--force',
      ...words,
      `--log-file=${log}`,
      `--pid-file=${pid}`,
      `--seed-file=${seed}`,
    ]);
    await eventually(() => existsSync(join(folder, name, 'munge.socket')), PATIENCE_MS);
  }

  #daemon(name: HostName, words: readonly string[]): void {
    const [command = '', ...rest] = this.#hosts.on(name, words);
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => this.#said.push(`${name} ${words[0]}: ${text.toString()}`));
    }
    this.#daemons.push(child);
  }

  #idle(): number {
    const [command = '', ...rest] = this.#hosts.on('one', ['sinfo', '--noheader', '--Node', '--format=%N %t']);
    const { stdout } = spawnSync(command, rest, { encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line.endsWith(' idle')).length;
  }
}
