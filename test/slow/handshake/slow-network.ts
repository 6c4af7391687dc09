import { connect, createServer, type Server, type Socket } from 'node:net';

type End = 'client' | 'listener';
/** Decides when bytes are delivered. */
type Carry = (from: End, deliver: () => void) => void;

/** A network before a listener: it connects at once, and delivers what either end sends when `carry` says so. */
export class SlowNetwork {
  /** The address of the listener, by way of this network. */
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  static async before(address: string, carry: Carry): Promise<SlowNetwork> {
    const { there, here, renamed } = placesOf(address);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(here, resolve));
    const network = new SlowNetwork(server, renamed(server.address()));
    server.on('connection', (near) => network.#join(near, connect(there), carry));
    return network;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket, far: Socket, carry: Carry): void {
    this.#relay(near, far, (deliver) => carry('client', deliver));
    this.#relay(far, near, (deliver) => carry('listener', deliver));
  }

  #relay(source: Socket, sink: Socket, carry: (deliver: () => void) => void): void {
    this.#sockets.add(source);
    source
      .on('error', () => {})
      .on('data', (bytes: Uint8Array) => carry(() => void sink.write(bytes)))
      .on('close', () => {
        this.#sockets.delete(source);
        carry(() => sink.destroySoon());
      });
  }
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

function placesOf(address: string): {
  readonly there: Place;
  readonly here: Place;
  readonly renamed: (bound: ReturnType<Server['address']>) => string;
} {
  const [, path] = /^unix:([^#]*)/.exec(address) ?? [];
  if (path !== undefined) {
    return { there: { path }, here: { path: `${path}.slow` }, renamed: () => address.replace(path, `${path}.slow`) };
  }
  const host = '127.0.0.1';
  const there = { host, port: Number(/:(\d+)#/.exec(address)?.[1]) };
  const renamed = (bound: ReturnType<Server['address']>): string => {
    if (bound === null || typeof bound === 'string') throw new Error('no port');
    return address.replace(/:\d+#/, `:${bound.port}#`);
  };
  return { there, here: { host, port: 0 }, renamed };
}
