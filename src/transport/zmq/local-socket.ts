import type { Dealer, Router } from 'zeromq';
import { codeOf, errorOf } from '../../foreign.js';
import { SOCKET_EVENTS, type SocketOwner, type SocketSpec, type ZeroMqSocket } from './socket.js';
import { loadZeroMq } from './zmq-package.js';

/** Sockets that are open. What nothing else refers to, the package closes when the garbage is collected. */
const open = new Set<Dealer | Router>();

/** A socket of this thread, which is the main thread. The constructor throws ResourceError where the package is missing. */
export class LocalSocket implements ZeroMqSocket {
  readonly #socket: Dealer | Router;
  readonly #owner: SocketOwner;

  constructor(spec: SocketSpec, owner: SocketOwner) {
    const { Dealer: DealerSocket, Router: RouterSocket } = loadZeroMq();
    this.#socket = spec.type === 'Dealer' ? new DealerSocket(spec.options) : new RouterSocket(spec.options);
    this.#owner = owner;
    for (const name of SOCKET_EVENTS) this.#socket.events.on(name, () => owner.event(name));
  }

  async bind(endpoint: string): Promise<string> {
    await this.#socket.bind(endpoint);
    return this.#socket.lastEndpoint ?? endpoint;
  }

  connect(endpoint: string): void {
    this.#socket.connect(endpoint);
  }

  read(): void {
    this.#read().catch((error: unknown) => this.#owner.failed(errorOf(error)));
  }

  send(parts: readonly Uint8Array[]): void {
    const [first] = parts;
    if (this.#socket.closed || first === undefined) return;
    this.#socket.send([...parts]).catch((error: unknown) => this.#owner.notSent(codeOf(error), first));
  }

  close(): void {
    this.#socket.close();
  }

  async #read(): Promise<void> {
    const socket = this.#socket;
    open.add(socket);
    try {
      while (!socket.closed) {
        const pause = this.#owner.arrived(await socket.receive());
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      if (!socket.closed) throw error;
    } finally {
      open.delete(socket);
    }
  }
}
