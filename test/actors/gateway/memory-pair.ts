import { Clients } from '#src/actors/gateway/clients.js';
import type { ClientConnection, GatewayServices } from '#src/actors/gateway/connection.js';
import { FoundNames } from '#src/actors/gateway/found-names.js';
import { FrameTurns } from '#src/actors/gateway/frame-turns.js';
import { gatewaySettings, type GatewayOptions } from '#src/actors/gateway/gateway-options.js';
import { tokenAuthentication } from '#src/actors/gateway/identity.js';
import type { FrameSocket } from '#src/actors/gateway/outgoing.js';
import { Policy } from '#src/actors/gateway/policy.js';
import { TopicFeeds } from '#src/actors/gateway/topic-feeds.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import type { ClientPlatform } from '#src/client/connect.js';
import type { ClientSocket } from '#src/client/socket.js';
import { silentLogger } from '#src/logging/index.js';
import { Listing } from '../transport/errands.js';
import { Row } from '../runtime/row.js';

export const TOKEN = 'a token that nobody guesses';
const LATENCY_MS = 5;

/** A gateway and its clients on virtual time, with sockets in memory. */
export class MemoryGateway {
  readonly runtime: Runtime;
  readonly refusals: string[] = [];
  readonly #services: GatewayServices;
  clients: Clients;
  /** The sockets that were opened. */
  readonly sockets: MemorySocket[] = [];
  /** Nobody listens. */
  isDown = false;

  constructor(runtime: Runtime, options: Partial<GatewayOptions> = {}) {
    this.runtime = runtime;
    const all: GatewayOptions = {
      port: 0,
      authenticate: tokenAuthentication({ [TOKEN]: { subject: 'page' } }),
      allow: [
        { service: Listing, names: ['stall', 'late'] },
        { topic: Row, name: 'rows' },
      ],
      ...options,
    };
    const { limits } = gatewaySettings(all);
    const refused = (who: string, what: string): void => void this.refusals.push(`${who}: ${what}`);
    this.#services = {
      scheduler: runtime.scheduler,
      log: silentLogger,
      limits,
      policy: new Policy(all.allow),
      authenticate: all.authenticate === 'anyone' ? () => ({ subject: 'anyone' }) : all.authenticate,
      names: new FoundNames(runtime),
      topics: new TopicFeeds(runtime),
      turns: new FrameTurns(runtime.scheduler),
      rejected: refused,
      forbidden: refused,
    };
    this.clients = new Clients(this.#services);
  }

  get platform(): ClientPlatform {
    return { clock: this.runtime.scheduler, dial: () => Promise.resolve(this.dial()) };
  }

  /** Another gateway listens at the address. Returns the former one. */
  replace(): Clients {
    const former = this.clients;
    this.clients = new Clients(this.#services);
    return former;
  }

  dial(): MemorySocket {
    const socket = new MemorySocket(this);
    this.sockets.push(socket);
    return socket;
  }
}

/** Both ends of a WebSocket. */
export class MemorySocket implements ClientSocket {
  binaryType = '';
  readyState = 0;
  bufferedAmount = 0;
  onopen: ClientSocket['onopen'] = null;
  onmessage: ClientSocket['onmessage'] = null;
  onclose: ClientSocket['onclose'] = null;
  onerror: ClientSocket['onerror'] = null;
  /** Frames of the gateway wait here: the client's host does not read. */
  isStalled = false;
  /** Frames vanish in both directions, as those of a host that sleeps. */
  isCut = false;
  /** How the gateway has closed it. */
  end: { readonly code: number; readonly reason: string } | undefined;
  readonly #gateway: MemoryGateway;
  #connection: ClientConnection | undefined;
  #isPaused = false;
  readonly #unread: Uint8Array[] = [];
  readonly #stalled: { readonly frame: Uint8Array; readonly written: () => void }[] = [];
  #serverBuffered = 0;

  constructor(gateway: MemoryGateway) {
    this.#gateway = gateway;
    this.#later(() => {
      if (gateway.isDown) return this.#closed(1006, 'nobody listens');
      this.#connection = gateway.clients.accept(this.#serverEnd(), {
        address: 'memory',
        origin: undefined,
        headers: {},
      });
      this.readyState = 1;
      this.onopen?.(undefined as never);
    });
  }

  send(data: ArrayBuffer | Uint8Array): void {
    const copy = new Uint8Array(data);
    this.#later(() => {
      if (this.isCut) return;
      if (this.#isPaused) this.#unread.push(copy);
      else this.#connection?.received(copy);
    });
  }

  close(): void {
    this.readyState = 3;
    this.#later(() => this.isCut || this.#connection?.closed());
  }

  /** The connection breaks, which both ends notice. */
  break(): void {
    this.#connection?.closed();
    this.#closed(1006, '');
  }

  /** The client's host reads on. */
  unstall(): void {
    this.isStalled = false;
    for (const { frame, written } of this.#stalled.splice(0)) this.#deliver(frame, written);
  }

  #serverEnd(): FrameSocket {
    const buffered = (): number => this.#serverBuffered;
    return {
      get bufferedBytes() {
        return buffered();
      },
      send: (frame, written) => {
        const copy = Uint8Array.from(frame);
        this.#serverBuffered += copy.length;
        if (this.isStalled) this.#stalled.push({ frame: copy, written });
        else this.#deliver(copy, written);
      },
      pause: () => {
        this.#isPaused = true;
      },
      resume: () => {
        this.#isPaused = false;
        for (const frame of this.#unread.splice(0)) this.#connection?.received(frame);
      },
      ping: () => this.#later(() => this.isCut || this.#connection?.ponged()),
      close: (code, reason) => {
        this.end = { code, reason };
        this.#later(() => this.#closed(code, reason));
      },
    };
  }

  #deliver(frame: Uint8Array, written: () => void): void {
    this.#later(() => {
      this.#serverBuffered -= frame.length;
      written();
      if (!this.isCut && this.readyState === 1) this.onmessage?.({ data: frame.buffer } as never);
    });
  }

  #closed(code: number, reason: string): void {
    if (this.readyState === 3 || this.isCut) return;
    this.readyState = 3;
    this.onclose?.({ code, reason } as never);
  }

  #later(run: () => void): void {
    this.#gateway.runtime.scheduler.setTimer(LATENCY_MS, run);
  }
}
