import { ConfigError, ResourceError } from '../errors.js';
import type { Clock } from './clock.js';

/** A WebSocket as a client uses it: that of a page, of Node 22, and of the package `ws`. */
export interface ClientSocket {
  binaryType: string;
  readonly readyState: number;
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount: number;
  send(data: ArrayBuffer): void;
  close(code?: number, reason?: string): void;
  /** Only of the package `ws`: closes at once. */
  terminate?(): void;
  onopen: ((event: never) => void) | null;
  /** With `data`, an ArrayBuffer. */
  onmessage: ((event: never) => void) | null;
  /** With `code` and `reason`. */
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type WebSocketClass = new (url: string, protocol: string) => ClientSocket;

/** States of WebSockets. */
export const OPEN = 1;
const CLOSED = 3;

/** The name is no literal, so that bundlers leave the package out of pages. */
const PACKAGE: string = 'ws';

/** The class that is given, that of the page or of Node, or that of the package `ws`. Rejects with ResourceError where there is none. */
export async function webSocketClass(given: WebSocketClass | undefined): Promise<WebSocketClass> {
  if (given !== undefined) return given;
  const own: unknown = Reflect.get(globalThis, 'WebSocket');
  if (isClass(own)) return own;
  let cause: unknown;
  try {
    const found: unknown = await import(PACKAGE);
    const its: unknown = typeof found === 'object' && found !== null ? Reflect.get(found, 'WebSocket') : undefined;
    if (isClass(its)) return its;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError(
    'A client needs WebSockets, which this Node does not have: npm install ws, or use Node 22 or later.',
    { cause },
  );
}

function isClass(value: unknown): value is WebSocketClass {
  return typeof value === 'function';
}

/** Throws ConfigError for what is no address of a WebSocket. `http:` and `https:` are accepted as well, as are paths in a page. */
export function webSocketUrl(url: string | URL): string {
  const base: unknown = Reflect.get(Reflect.get(globalThis, 'location') ?? {}, 'href');
  let parsed: URL | undefined;
  try {
    parsed = new URL(url, typeof base === 'string' ? base : undefined);
  } catch {
    // Refused below.
  }
  const protocol = parsed?.protocol.replace(/^http/, 'ws');
  if (parsed === undefined || (protocol !== 'ws:' && protocol !== 'wss:')) {
    throw new ConfigError(`connect needs a url like wss://shop.example/clients, not ${JSON.stringify(String(url))}.`);
  }
  parsed.protocol = protocol;
  parsed.hash = '';
  return parsed.href;
}

/** For the answer of the peer, in ms; the package `ws` would wait 30 s for a host that is gone, and keep its process alive. */
const CLOSING_MS = 2_000;

/** Closing a socket that is not open yet is an error of its own in some libraries, which nobody needs to hear. */
export function closeQuietly(socket: ClientSocket, clock: Clock): void {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.onerror = () => {};
  socket.close(1000);
  if (socket.terminate === undefined || socket.readyState === CLOSED) return;
  const timer = clock.setTimer(CLOSING_MS, () => socket.terminate?.());
  socket.onclose = () => clock.clearTimer(timer);
}

/** What an error, or its event, says; in pages events say nothing. */
export function saidBy(event: unknown): string {
  const message: unknown = typeof event === 'object' && event !== null ? Reflect.get(event, 'message') : undefined;
  return typeof message === 'string' ? message : '';
}
