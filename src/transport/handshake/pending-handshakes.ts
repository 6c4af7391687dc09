import type { Socket } from 'node:net';
import { limits } from '../../limits.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** Connections whose handshake is in progress. Each has a deadline. When there are too many, the oldest is rejected. */
export class PendingHandshakes {
  readonly #scheduler: Scheduler;
  readonly #rejected: (socket: Socket, why: string) => void;
  readonly #open = new Map<Socket, Timer>();

  constructor(scheduler: Scheduler, rejected: (socket: Socket, why: string) => void) {
    this.#scheduler = scheduler;
    this.#rejected = rejected;
  }

  get size(): number {
    return this.#open.size;
  }

  began(socket: Socket): Socket {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= limits.pendingHandshakes) {
      this.reject(oldest, `${limits.pendingHandshakes} handshakes were in progress (limit pendingHandshakes)`);
    }
    const timer = this.#scheduler.setTimer(limits.connectTimeoutMs, () =>
      this.reject(socket, `its handshake took longer than ${limits.connectTimeoutMs} ms (limit connectTimeoutMs)`),
    );
    this.#open.set(socket, timer);
    socket.once('close', () => this.reject(socket, 'the connection ended during the handshake'));
    return socket;
  }

  /** Finds the raw socket of a TLS socket: both have the same peer. */
  find(secure: Socket): Socket | undefined {
    const { remoteAddress, remotePort } = secure;
    for (const raw of this.#open.keys()) {
      if (raw.remoteAddress === remoteAddress && raw.remotePort === remotePort) return raw;
    }
    return undefined;
  }

  /** Returns false if the handshake had already ended. */
  ended(socket: Socket): boolean {
    const timer = this.#open.get(socket);
    if (timer === undefined) return false;
    this.#scheduler.clearTimer(timer);
    return this.#open.delete(socket);
  }

  /** Rejects the connection, unless its handshake has ended. */
  reject(socket: Socket, why: string): void {
    if (!this.ended(socket)) return;
    this.#rejected(socket, why);
    socket.destroy();
  }

  /** Closes all these connections. */
  close(): void {
    for (const socket of this.#open.keys()) {
      this.ended(socket);
      socket.destroy();
    }
  }
}
