import { EvictionPool } from '../../transport/handshake/index.js';
import { ClientConnection, type GatewayServices } from './connection.js';
import type { Credentials } from './identity.js';
import type { FrameSocket } from './outgoing.js';

/** A connection that has not said who it is, and the host that it comes from. */
interface Stranger {
  readonly from: string;
  readonly connection: ClientConnection;
}

/**
 * The connections of one gateway, whatever carries them. Strangers have few places; when those are taken, one of them has to go, rather of the host that has most.
 */
export class Clients {
  readonly #services: GatewayServices;
  readonly #connections = new Set<ClientConnection>();
  readonly #strangers: EvictionPool<Stranger>;
  #whenEmpty: (() => void)[] = [];

  constructor(services: GatewayServices) {
    this.#services = services;
    const { scheduler, limits } = services;
    this.#strangers = new EvictionPool(limits.unauthenticated, scheduler.fork('clients'));
  }

  /** There is no place for one more. */
  get isFull(): boolean {
    return this.#connections.size >= this.#services.limits.connections;
  }

  get authenticated(): number {
    return this.#connections.size - this.#strangers.size;
  }

  get unauthenticated(): number {
    return this.#strangers.size;
  }

  get calls(): number {
    let calls = 0;
    for (const connection of this.#connections) calls += connection.calls;
    return calls;
  }

  /** A WebSocket is open. `known` is called when the gateway knows whose it is. */
  accept(socket: FrameSocket, credentials: Omit<Credentials, 'token'>, known: () => void = () => {}): ClientConnection {
    const connection: ClientConnection = new ClientConnection(socket, credentials, this.#services, {
      authenticated: () => {
        this.#strangers.remove(stranger);
        known();
      },
      over: () => {
        this.#strangers.remove(stranger);
        this.#connections.delete(connection);
        if (this.#connections.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
      },
    });
    const stranger: Stranger = { from: credentials.address, connection };
    this.#connections.add(connection);
    const evicted = this.#strangers.add(stranger);
    evicted?.connection.cut('busy', 'too many connections have not said who they are');
    return connection;
  }

  /** Tells all clients that the server stops. Resolves when they have gone. */
  goAway(): Promise<void> {
    for (const connection of this.#connections) connection.goAway();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#whenEmpty.push(resolve));
  }

  cutAll(): void {
    for (const connection of this.#connections) connection.cut('goingAway', 'the server is stopping');
  }
}
