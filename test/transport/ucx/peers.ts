import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport, type UcxTransportOptions } from '#src/transport/ucx/index.js';

export const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** What one test starts, and `end` ends, however the test went. */
export class Peers {
  readonly #children: ChildProcess[] = [];
  readonly #transports: UcxTransport[] = [];

  transport(options: Partial<UcxTransportOptions> = {}): UcxTransport {
    const transport = new UcxTransport({ scheduler: new RealScheduler(), ...options });
    this.#transports.push(transport);
    return transport;
  }

  start(...args: readonly string[]): ChildProcess {
    const child = fork(CHILD, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.push(child);
    return child;
  }

  /** A process that sends everything back; gives its address too. */
  async echo(): Promise<{ readonly child: ChildProcess; readonly address: string }> {
    const child = this.start('echo');
    const [address] = (await once(child, 'message')) as [string];
    return { child, address };
  }

  async end(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}
