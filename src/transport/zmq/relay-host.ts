import { isMainThread, type MessagePort } from 'node:worker_threads';
import { codeOf, isRecord, messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { LocalSocket } from './local-socket.js';
import { postParts, type RelayRequest, type ToSocket, type ToThread } from './relay.js';
import type { SocketSpec } from './socket.js';

const HOST = Symbol.for('millrace.zmq-host');

/** On the main thread: makes sockets for the worker threads of this process. Calls after the first do nothing, as on a worker thread. */
export function hostThreads(): void {
  if (!isMainThread || process.listeners('workerMessage').some((listener) => HOST in listener)) return;
  const host = (request: unknown): void => {
    if (isRequest(request)) serve(request.port, request.millraceZeroMq);
  };
  process.on('workerMessage', Object.assign(host, { [HOST]: true }));
}

function isRequest(message: unknown): message is RelayRequest {
  return isRecord(message) && 'millraceZeroMq' in message && 'port' in message;
}

function serve(port: MessagePort, spec: SocketSpec): void {
  const post = (message: ToThread): void => port.postMessage(message);
  const failed = (error: unknown): void => post({ kind: 'failed', message: messageOf(error) });
  let untaken = 0;
  let goOn: (() => void) | undefined;
  const taken = (): void => {
    untaken -= 1;
    goOn?.();
    goOn = undefined;
  };
  try {
    const socket = new LocalSocket(spec, {
      arrived: (parts) => {
        postParts(port, 'arrived', parts);
        untaken += 1;
        if (untaken < limits.zmqRelayedMessages) return;
        return new Promise((resolve) => (goOn = resolve));
      },
      notSent: (code, first) => post({ kind: 'notSent', code, first: new Uint8Array(first) }),
      event: (name) => post({ kind: 'event', name }),
      failed,
    });
    port.on('close', () => {
      socket.close();
      goOn?.();
    });
    port.on('message', (message: ToSocket) => {
      try {
        if (message.kind === 'taken') taken();
        else if (message.kind === 'send') socket.send(message.parts);
        else obey(socket, message, post);
      } catch (error) {
        failed(error);
      }
    });
  } catch (error) {
    failed(error);
  }
}

type Rare = Extract<ToSocket, { readonly kind: 'bind' | 'connect' | 'read' }>;

function obey(socket: LocalSocket, message: Rare, post: (message: ToThread) => void): void {
  if (message.kind === 'read') return socket.read();
  if (message.kind === 'connect') return socket.connect(message.endpoint);
  socket.bind(message.endpoint).then(
    (endpoint) => post({ kind: 'bound', endpoint }),
    (error: unknown) => post({ kind: 'notBound', message: messageOf(error), code: codeOf(error) }),
  );
}
