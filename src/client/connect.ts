import { ConfigError, MillraceError, UnreachableError } from '../errors.js';
import { limits } from '../limits.js';
import { CLIENT_SUBPROTOCOL } from '../protocol/client-wire/index.js';
import { checkNames } from './call-options.js';
import { Client } from './client.js';
import { type Clock, realClock } from './clock.js';
import type { Token } from './connection-loss.js';
import { Session } from './session.js';
import { type ClientSocket, type WebSocketClass, webSocketClass, webSocketUrl } from './socket.js';

export interface ConnectOptions {
  /** Of the gateway, such as `wss://shop.example/clients`. A page may give a path. */
  readonly url: string | URL;
  /** What the gateway knows this client by. A function is called for each connection: a token that has ended can be renewed. */
  readonly token?: Token;
  /** Time for the first connection in ms; attempts are repeated within it. Default 10 000. */
  readonly timeoutMs?: number;
  /** Silence in ms after which the gateway is asked whether it is there. Default 20 000. */
  readonly heartbeatMs?: number;
  /** The longest pause between two attempts to connect again, in ms. Default 30 000. */
  readonly longestBackOffMs?: number;
  /** The class of WebSockets. Default: that of the page or of Node, or of the package `ws`. */
  readonly webSocket?: WebSocketClass;
}

/** Where a client has its time and its sockets from. Tests give others. */
export interface ClientPlatform {
  readonly clock: Clock;
  readonly dial: (url: string) => Promise<ClientSocket>;
}

const CONNECT_MS = 10_000;
const HEARTBEAT_MS = 20_000;
const PONG_MS = 5_000;
const FIRST_BACK_OFF_MS = 250;
const LONGEST_BACK_OFF_MS = 30_000;

const OPTIONS = ['url', 'token', 'timeoutMs', 'heartbeatMs', 'longestBackOffMs', 'webSocket'];

/**
 * Connects to a gateway for clients. Resolves when the gateway knows this client. Rejects with RefusedError when it refuses the token, UnreachableError when
 * there was no connection within `timeoutMs`, ResourceError where Node has no WebSockets, ConfigError for a wrong option.
 *
 *     const client = await connect({ url: 'wss://shop.example/clients', token });
 *     const market = await client.lookup(Market, 'market');
 *     console.log(await market.quote({ symbol: 'ACME' }, { timeoutMs: 1_000 }));
 *     client.close();
 */
export function connect(options: ConnectOptions): Promise<Client> {
  checkNames('connect', options, OPTIONS);
  const dial = async (url: string): Promise<ClientSocket> => {
    const Class = await webSocketClass(options.webSocket);
    return new Class(url, CLIENT_SUBPROTOCOL);
  };
  return connectOn({ clock: realClock(), dial }, options);
}

/** As `connect`, on another platform. */
export async function connectOn({ clock, dial }: ClientPlatform, options: ConnectOptions): Promise<Client> {
  const { timeoutMs = CONNECT_MS, token } = options;
  const url = webSocketUrl(options.url);
  const heartbeatMs = milliseconds('heartbeatMs', options.heartbeatMs ?? HEARTBEAT_MS);
  const longestBackOffMs = milliseconds('longestBackOffMs', options.longestBackOffMs ?? LONGEST_BACK_OFF_MS);
  milliseconds('timeoutMs', timeoutMs);
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
    throw new ConfigError('token of connect must be a text, or a function that gives one.');
  }
  const times = {
    connectMs: limits.connectTimeoutMs,
    heartbeatMs,
    pongMs: PONG_MS,
    firstBackOffMs: Math.min(FIRST_BACK_OFF_MS, longestBackOffMs),
    longestBackOffMs,
  };
  const client = new Client((events) => new Session({ url, token, clock, times, dial, ...events }));
  await opened(client, clock, timeoutMs);
  return client;
}

function opened(client: Client, clock: Clock, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clock.clearTimer(timer);
      forget();
    };
    /** Why the last attempt has failed, also while there is another one. */
    let cause: MillraceError | undefined;
    const timer = clock.setTimer(timeoutMs, () => {
      end();
      client.close();
      const why = cause === undefined ? '' : ` ${cause.message}`;
      const message = `There was no connection to ${client.url} within timeoutMs (${timeoutMs}).${why}`;
      reject(new UnreachableError(message, { cause }));
    });
    const forget = client.onState((state, error) => {
      cause = error ?? cause;
      if (state === 'open') {
        end();
        resolve();
      } else if (state === 'closed') {
        end();
        reject(error ?? new MillraceError('The client was closed.'));
      }
    });
    client.start();
  });
}

function milliseconds(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value < 2 ** 31) return value;
  throw new ConfigError(`${name} of connect must be a number of ms from 1 to 2 147 483 647, not ${String(value)}.`);
}
