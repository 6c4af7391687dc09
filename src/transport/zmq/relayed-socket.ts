import { MessageChannel, type MessagePort, postMessageToThread } from 'node:worker_threads';
import { ResourceError } from '../../errors.js';
import { limits } from '../../limits.js';
import { postParts, type RelayRequest, type ToSocket, type ToThread } from './relay.js';
import type { SocketOwner, SocketSpec, ZeroMqSocket } from './socket.js';

const MAIN_THREAD = 0;

interface Binding {
  readonly resolve: (endpoint: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A socket of a worker thread. It is on the main thread: the package aborts the process when a thread ends while a socket of it waits for a
 * message, and when ZeroMQ releases a message of a thread that has ended (docs/decisions/0017).
 */
export class RelayedSocket implements ZeroMqSocket {
  readonly #port: MessagePort;
  readonly #owner: SocketOwner;
  #binding: Binding | undefined;
  #failure: Error | undefined;

  constructor(spec: SocketSpec, owner: SocketOwner) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#owner = owner;
    port1.on('message', (message: ToThread) => this.#heard(message));
    const request: RelayRequest = { millraceZeroMq: spec, port: port2 };
    postMessageToThread(MAIN_THREAD, request, [port2], limits.connectTimeoutMs).catch((cause: unknown) =>
      this.#fail(
        new ResourceError(
          'The main thread makes the sockets of ZeroMQ for worker threads, and it does not answer. Open a system or a transport of ZeroMQ there first.',
          { cause },
        ),
      ),
    );
  }

  bind(endpoint: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#binding = { resolve, reject };
      this.#post({ kind: 'bind', endpoint });
    });
  }

  connect(endpoint: string): void {
    this.#post({ kind: 'connect', endpoint });
  }

  read(): void {
    this.#post({ kind: 'read' });
  }

  send(parts: readonly Uint8Array[]): void {
    postParts(this.#port, 'send', parts);
  }

  close(): void {
    this.#port.close();
  }

  #post(message: ToSocket): void {
    this.#port.postMessage(message);
  }

  #heard(message: ToThread): void {
    const owner = this.#owner;
    if (message.kind === 'arrived') {
      this.#post({ kind: 'taken' });
      void owner.arrived(message.parts);
    } else if (message.kind === 'notSent') owner.notSent(message.code, message.first);
    else if (message.kind === 'event') owner.event(message.name);
    else if (message.kind === 'failed') this.#fail(new ResourceError(message.message));
    else this.#bound(message);
  }

  #bound(message: Extract<ToThread, { readonly kind: 'bound' | 'notBound' }>): void {
    const binding = this.#binding;
    this.#binding = undefined;
    if (message.kind === 'bound') binding?.resolve(message.endpoint);
    else binding?.reject(Object.assign(new Error(message.message), { code: message.code }));
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#binding?.reject(error);
    this.#binding = undefined;
    this.#port.close();
    this.#owner.failed(error);
  }
}
