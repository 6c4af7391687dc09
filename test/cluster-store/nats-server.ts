import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/until.js';

/** A nats-server with JetStream, whose data survives that it is killed. */
export class NatsServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'millrace-nats-'));
    this.#args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', this.#folder, ...args];
  }

  static async start(...args: readonly string[]): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), args);
    await server.restart();
    return server;
  }

  /** Three servers that keep copies of one another. */
  static async startCluster(size: number): Promise<readonly NatsServer[]> {
    const ports: number[] = [];
    for (let index = 0; index < size; index += 1) ports.push(await freePort());
    const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(',');
    const servers: NatsServer[] = [];
    for (const [index, port] of ports.entries()) {
      const cluster = ['--cluster_name', 'test', '--cluster', `nats://127.0.0.1:${port}`, '--routes', routes];
      servers.push(new NatsServer(await freePort(), ['-n', `server-${index}`, ...cluster]));
    }
    await Promise.all(servers.map((server) => server.restart()));
    return servers;
  }

  /** Resolves when it takes connections. */
  async restart(): Promise<void> {
    const child = spawn('nats-server', this.#args, { stdio: 'ignore' });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.on('exit', () => resolve());
      child.on('error', () => resolve());
    });
    await eventually(() => isListening(this.port));
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Its connections stay, and nothing is answered. Resolves when it stands still. */
  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    const stat = `/proc/${this.#child?.pid}/stat`;
    await eventually(() => readFileSync(stat, 'latin1').includes(') T '));
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends it, and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true))).on('error', () => resolve(false));
  });
}
