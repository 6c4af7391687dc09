/**
 * Hosts on one machine: each has its own network, IPC, PID, mount and UTS namespace, and an sshd. They are joined by a bridge.
 *
 *     one 10.231.9.1 ---+
 *     two 10.231.9.2 ---+--- bridge
 *     three 10.231.9.3 -+
 *
 * All see the files of this machine. Only `/run` is their own: the folder of a host there is `FOLDER/NAME` for the test.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/until.js';
import { SSHD } from '../cli/sshd.js';

export const NAMES = ['one', 'two', 'three'] as const;
export type HostName = (typeof NAMES)[number];

/** Each host has its own at this path. */
export const HOST_FOLDER = '/run/millrace';

const ip = (...args: readonly string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** Why there can be none; undefined where there can. */
export function whyNoHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root, who can make network namespaces';
  if (!existsSync(SSHD)) return `it needs ${SSHD}, not found. Debian: apt-get install -y openssh-server`;
  const name = `mrw${process.pid}`;
  const words = ['netns', 'add', name];
  const made = spawnSync('ip', words, { encoding: 'utf8' });
  if (made.error !== undefined) return 'it needs ip, not found. Debian: apt-get install -y iproute2';
  const own = ['netns', 'exec', name, 'unshare', '--ipc', '--pid', '--mount', '--uts', '--fork', 'mount', '-t', 'proc'];
  const used = spawnSync('ip', [...own, 'proc', '/proc'], { encoding: 'utf8' });
  spawnSync('ip', ['netns', 'del', name]);
  const bridged = spawnSync('ip', ['link', 'add', name, 'type', 'bridge'], { encoding: 'utf8' });
  spawnSync('ip', ['link', 'del', name]);
  const failed = [made, used, bridged].filter(({ status }) => status !== 0);
  if (failed.length === 0) return undefined;
  return `namespaces with a network cannot be made here: ${failed.map(({ stderr }) => stderr.trim()).join(' ')}`;
}

export class NamespacedHosts {
  readonly folder: string;
  readonly #id: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #children: ChildProcess[] = [];
  /** The first process of each host, as this machine counts. */
  readonly #first = new Map<HostName, number>();

  private constructor(folder: string, environment: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#environment = { ...environment, XDG_RUNTIME_DIR: HOST_FOLDER };
    this.#id = String(process.pid);
  }

  /** `environment`: what an administrator has set for all processes of each host. */
  static async start(folder: string, environment: Readonly<Record<string, string>> = {}): Promise<NamespacedHosts> {
    sweep();
    const hosts = new NamespacedHosts(folder, environment);
    try {
      hosts.#makeNetwork();
      hosts.#makeKeys();
      for (const name of NAMES) await hosts.#startHost(name);
      await Promise.all(NAMES.map((name) => eventually(() => hosts.#answers(name))));
    } catch (error) {
      await hosts.stop();
      throw error;
    }
    return hosts;
  }

  addressOf(name: HostName): string {
    return `10.231.9.${NAMES.indexOf(name) + 1}`;
  }

  /** The command that runs another one on a host, in a folder. */
  on(name: HostName, command: readonly string[], folder: string = this.folder): readonly string[] {
    const first = this.#first.get(name);
    if (first === undefined) throw new Error(`The host ${name} is not up.`);
    const namespaces = ['--net', '--ipc', '--pid', '--mount', '--uts'];
    const variables = Object.entries(this.#environment).map(([variable, value]) => `${variable}=${value}`);
    return ['nsenter', '--target', String(first), ...namespaces, `--wdns=${folder}`, 'env', ...variables, ...command];
  }

  /** Takes the cable of a host away. */
  cut(name: HostName): void {
    ip('link', 'set', this.#cable(name), 'down');
  }

  join(name: HostName): void {
    ip('link', 'set', this.#cable(name), 'up');
  }

  /** Processes of a host, without its own first one: what they were started as. */
  commands(name: HostName): readonly { readonly pid: number; readonly command: string }[] {
    const first = this.#first.get(name) ?? 0;
    const namespace = (pid: number | string): string => readlinkSync(`/proc/${pid}/ns/pid`);
    return readdirSync('/proc').flatMap((entry) => {
      try {
        if (!/^\d+$/.test(entry) || Number(entry) === first || namespace(entry) !== namespace(first)) return [];
        const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return command === '' || command.startsWith('sshd') ? [] : [{ pid: Number(entry), command }];
      } catch {
        // It has ended.
        return [];
      }
    });
  }

  /** What runs have left on any host: processes, and folders of runs. */
  left(): readonly string[] {
    return NAMES.flatMap((name) => {
      const runs = join(this.folder, name, 'millrace-0');
      const folders = existsSync(runs) ? readdirSync(runs) : [];
      return [
        ...this.commands(name).map(({ command }) => `${name}: ${command}`),
        ...folders.map((run) => `${name}: ${run}`),
      ];
    });
  }

  /** Ends what runs have left, so that one test does not fail for another. */
  clean(): void {
    for (const name of NAMES) {
      for (const { pid } of this.commands(name)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended.
        }
      }
      rmSync(join(this.folder, name, 'millrace-0'), { recursive: true, force: true });
    }
  }

  /** Ends all processes of all hosts, and removes the network. Idempotent. */
  async stop(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      const ended = once(child, 'exit');
      // The first process of a PID namespace takes all others with it.
      child.kill('SIGKILL');
      await ended;
    }
    for (const name of NAMES) spawnSync('ip', ['netns', 'del', this.#namespace(name)]);
    spawnSync('ip', ['link', 'del', this.#bridge]);
  }

  get #bridge(): string {
    return `mrb${this.#id}`;
  }

  #namespace(name: HostName): string {
    return `mr${this.#id}${name}`;
  }

  #cable(name: HostName): string {
    return `mrc${this.#id}${NAMES.indexOf(name)}`;
  }

  #makeNetwork(): void {
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    ip('link', 'set', this.#bridge, 'up');
    for (const name of NAMES) {
      const [namespace, cable] = [this.#namespace(name), this.#cable(name)];
      ip('netns', 'add', namespace);
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('link', 'set', cable, 'master', this.#bridge, 'up');
      ip('-n', namespace, 'addr', 'add', `${this.addressOf(name)}/24`, 'dev', 'eth0');
      for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up');
    }
  }

  #makeKeys(): void {
    for (const name of ['host_key', 'user_key']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(this.folder, name)]);
    }
    copyFileSync(join(this.folder, 'user_key.pub'), join(this.folder, 'authorized_keys'));
    const hostKey = readFileSync(join(this.folder, 'host_key.pub'), 'utf8');
    writeFileSync(join(this.folder, 'known_hosts'), NAMES.map((name) => `${name} ${hostKey}`).join(''));
    writeFileSync(
      join(this.folder, 'hosts'),
      ['127.0.0.1 localhost', ...NAMES.map((name) => `${this.addressOf(name)} ${name}`), ''].join('\n'),
    );
    const environment = Object.entries(this.#environment).map(([name, value]) => `${name}=${value}`);
    writeFileSync(
      join(this.folder, 'sshd_config'),
      [
        `HostKey ${join(this.folder, 'host_key')}`,
        `AuthorizedKeysFile ${join(this.folder, 'authorized_keys')}`,
        'PidFile none',
        'PasswordAuthentication no',
        'UsePAM no',
        'StrictModes no',
        'PermitRootLogin yes',
        `SetEnv ${environment.join(' ')}`,
      ].join('\n'),
    );
    // ssh reaches each host from each other one, as an administrator sets it.
    writeFileSync(
      join(this.folder, 'ssh_config'),
      [
        `IdentityFile ${join(this.folder, 'user_key')}`,
        'IdentitiesOnly yes',
        `GlobalKnownHostsFile ${join(this.folder, 'known_hosts')}`,
        'UserKnownHostsFile /dev/null',
        '',
      ].join('\n'),
    );
    for (const name of NAMES) mkdirSync(join(this.folder, name), { recursive: true });
  }

  async #startHost(name: HostName): Promise<void> {
    const script = [
      'mount -t proc proc /proc',
      'mount -t tmpfs tmpfs /dev/shm',
      `hostname ${name}`,
      `mount --bind ${join(this.folder, 'hosts')} /etc/hosts`,
      `mount --bind ${join(this.folder, 'ssh_config')} /etc/ssh/ssh_config`,
      'mount -t tmpfs tmpfs /run',
      `mkdir /run/sshd ${HOST_FOLDER}`,
      `mount --bind ${join(this.folder, name)} ${HOST_FOLDER}`,
      `exec ${SSHD} -D -e -f ${join(this.folder, 'sshd_config')}`,
    ].join(' && ');
    const own = ['unshare', '--ipc', '--pid', '--mount', '--uts', '--fork', '--kill-child'];
    // The host ends with this process, however that ends.
    const bound = ['--pdeathsig', 'KILL', 'ip', 'netns', 'exec', this.#namespace(name)];
    const child = spawn('setpriv', [...bound, ...own, 'sh', '-c', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#children.push(child);
    const said: string[] = [];
    child.stderr.on('data', (text: Buffer) => said.push(text.toString()));
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`The host ${name} has ended: ${said.join('')}`);
      return said.join('').includes('listening');
    });
    this.#first.set(name, childOf(child.pid ?? 0));
  }

  /** The kernel takes a moment to notice a cable. */
  #answers(name: HostName): boolean {
    return NAMES.every((other) => {
      const [command = '', ...words] = this.on(name, ['bash', '-c', `exec 3<>/dev/tcp/${other}/22`]);
      return spawnSync(command, words).status === 0;
    });
  }
}

/** Removes the networks of tests that were killed. */
function sweep(): void {
  const gone = new Set(
    [...ip('netns', 'list').matchAll(/^mr(\d+)(one|two|three)\b/gm)]
      .map(([, pid = '']) => pid)
      .filter((pid) => !existsSync(`/proc/${pid}`)),
  );
  for (const pid of gone) {
    for (const name of NAMES) spawnSync('ip', ['netns', 'del', `mr${pid}${name}`]);
    spawnSync('ip', ['link', 'del', `mrb${pid}`]);
  }
}

/** `ip netns exec` becomes `unshare`, whose only child is the first process of its namespace. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}
