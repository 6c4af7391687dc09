/** A real sshd of this test on loopback, with keys of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/until.js';

export const SSHD = '/usr/sbin/sshd';

/** Why there can be none; undefined where there can. */
export function whyNoSshd(): string | undefined {
  if (!existsSync(SSHD)) return `it needs ${SSHD}, not found. Debian: apt-get install -y openssh-server`;
  return process.getuid?.() === 0 ? undefined : 'it needs root';
}

export class Sshd {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#child = child;
  }

  static async start(folder: string): Promise<Sshd> {
    mkdirSync('/run/sshd', { recursive: true });
    for (const name of ['host_key', 'user_key', 'other_key']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    }
    const port = await freePort();
    writeFileSync(join(folder, 'authorized_keys'), readFileSync(join(folder, 'user_key.pub')), { mode: 0o600 });
    writeFileSync(
      join(folder, 'sshd_config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${join(folder, 'host_key')}`,
        `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
        `PidFile ${join(folder, 'sshd.pid')}`,
        'PasswordAuthentication no',
        'UsePAM no',
        'StrictModes no',
        'PermitRootLogin yes',
        // As an administrator might set it on all hosts: the runs of the test have a folder of their own.
        `SetEnv XDG_RUNTIME_DIR=${folder}`,
      ].join('\n'),
    );
    const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' });
    const started = new Sshd(folder, port, child);
    await eventually(() => answers(port));
    return started;
  }

  /** Options of ssh that reach it; `hostKey` is the file of the key that is known of the host. */
  options(hostKey: 'host_key' | 'other_key'): string[] {
    const known = join(this.#folder, `known_${hostKey}`);
    const key = readFileSync(join(this.#folder, `${hostKey}.pub`), 'utf8');
    writeFileSync(known, `[127.0.0.1]:${this.port} ${key}`);
    return [
      `Port=${this.port}`,
      `IdentityFile=${join(this.#folder, 'user_key')}`,
      'IdentitiesOnly=yes',
      `UserKnownHostsFile=${known}`,
      `User=${userInfo().username}`,
    ].flatMap((option) => ['--ssh-option', option]);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await ended;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}
