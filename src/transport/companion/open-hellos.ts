import type { Socket } from 'node:net';
import { limits } from '../../limits.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** Connections whose hello is not over. Each has a deadline; when there are too many, the oldest makes room. */
export class OpenHellos {
  readonly #scheduler: Scheduler;
  readonly #refused: (socket: Socket, why: string) => void;
  readonly #open = new Map<Socket, Timer>();

  constructor(scheduler: Scheduler, refused: (socket: Socket, why: string) => void) {
    this.#scheduler = scheduler;
    this.#refused = refused;
  }

  get size(): number {
    return this.#open.size;
  }

  began(socket: Socket): Socket {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= limits.openHellos) {
      this.turnAway(oldest, `${limits.openHellos} hellos were under way (openHellos)`);
    }
    const timer = this.#scheduler.setTimer(limits.connectTimeoutMs, () =>
      this.turnAway(socket, `its hello took longer than ${limits.connectTimeoutMs} ms (connectTimeoutMs)`),
    );
    this.#open.set(socket, timer);
    socket.once('close', () => this.turnAway(socket, 'the connection ended during the hello'));
    return socket;
  }

  /** The hello that began on the raw socket below `secure`: both have the same peer. */
  find(secure: Socket): Socket | undefined {
    const { remoteAddress, remotePort } = secure;
    for (const raw of this.#open.keys()) {
      if (raw.remoteAddress === remoteAddress && raw.remotePort === remotePort) return raw;
    }
    return undefined;
  }

  /** False when it had ended already. */
  ended(socket: Socket): boolean {
    const timer = this.#open.get(socket);
    if (timer === undefined) return false;
    this.#scheduler.clearTimer(timer);
    return this.#open.delete(socket);
  }

  /** Ends one that is not over. */
  turnAway(socket: Socket, why: string): void {
    if (!this.ended(socket)) return;
    this.#refused(socket, why);
    socket.destroy();
  }

  /** Ends them all. */
  close(): void {
    for (const socket of this.#open.keys()) {
      this.ended(socket);
      socket.destroy();
    }
  }
}
