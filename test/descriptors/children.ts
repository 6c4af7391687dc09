import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order } from './child.js';
import type { Announcement } from './wire.js';

const program = fileURLToPath(new URL('child.js', import.meta.url));

/** Processes that a test has started. */
export class Children {
  readonly #children: ChildProcess[] = [];

  async start(): Promise<Child> {
    const process = fork(program);
    this.#children.push(process);
    await once(process, 'message');
    return new Child(process);
  }

  async end(): Promise<void> {
    for (const child of this.#children) await ended(child);
  }
}

/** A process that does what it is told: see child.ts. */
export class Child {
  readonly #process: ChildProcess;

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async tell(order: Order): Promise<unknown> {
    const answered = new Promise<unknown>((resolve) => this.#process.once('message', resolve));
    this.#process.send(order);
    return answered;
  }

  async allocate(sizeBytes: number, fill: number): Promise<Announcement> {
    return (await this.tell({ kind: 'allocate', sizeBytes, fill })) as Announcement;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await ended(this.#process);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
