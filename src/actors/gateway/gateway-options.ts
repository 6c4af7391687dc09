import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { isLoopbackHost } from '../../host-name.js';
import { limits } from '../../limits.js';
import { accepted, checkOptions } from '../../options/index.js';
import type { UpgradeServer } from '../../transport/kinds/index.js';
import type { Authenticate } from './identity.js';
import type { Allowed } from './policy.js';

/** Bounds of one gateway; docs/limits.md says what happens at each. */
export interface GatewayLimits {
  readonly connections: number;
  readonly unauthenticated: number;
  readonly authenticateMs: number;
  readonly frameBytes: number;
  readonly calls: number;
  readonly topicMessages: number;
  readonly bufferBytes: number;
  readonly cutBytes: number;
  readonly slowReaderMs: number;
  readonly pingMs: number;
}

export interface GatewayOptions {
  /** A server of `node:http` or `node:https`, beside whose routes it listens: with Fastify `app.server`, with Express what `app.listen` returns. */
  readonly server?: UpgradeServer;
  /** Without `server`: its own port; 0: any. */
  readonly port?: number;
  /** Without `server`: where it listens. Default 127.0.0.1. Nothing is encrypted there. */
  readonly host?: string;
  /** Default `/clients`. */
  readonly path?: string;
  /** Who a client is: `tokenAuthentication`, `jwtAuthentication`, or a function. `'anyone'` lets everyone in that reaches it. */
  readonly authenticate: Authenticate | 'anyone';
  /** What clients may call and read. All else is refused. */
  readonly allow: readonly Allowed[];
  /** Origins of the pages whose browsers may connect, such as `https://shop.example`. Default: none. Programs send no origin. */
  readonly origins?: readonly string[];
  readonly limits?: Partial<GatewayLimits>;
}

/** Options with their defaults. */
export interface GatewaySettings {
  readonly server: UpgradeServer | undefined;
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly origins: readonly string[];
  readonly limits: GatewayLimits;
}

const DEFAULTS: GatewayLimits = {
  connections: limits.gatewayConnections,
  unauthenticated: limits.gatewayUnauthenticated,
  authenticateMs: limits.gatewayAuthenticateMs,
  frameBytes: limits.gatewayFrameBytes,
  calls: limits.gatewayCalls,
  topicMessages: limits.gatewayTopicMessages,
  bufferBytes: limits.gatewayBufferBytes,
  cutBytes: limits.gatewayCutBytes,
  slowReaderMs: limits.gatewaySlowReaderMs,
  pingMs: limits.gatewayPingMs,
};

const list = { what: 'a list', is: (value: unknown) => Array.isArray(value) };
const authentication = {
  what: "tokenAuthentication(...), jwtAuthentication(...), a function, or 'anyone'",
  is: (value: unknown) => typeof value === 'function' || value === 'anyone',
};
const OPTIONS = {
  server: accepted.object,
  port: accepted.number,
  host: accepted.text,
  path: accepted.text,
  authenticate: authentication,
  allow: list,
  origins: list,
  limits: accepted.object,
};
const LIMITS = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, accepted.number]));

const PATH = /^\/[\w.~/-]*$/;
const ORIGIN = /^https?:\/\/[\w.-]+(:\d{1,5})?$/;
/** What a timer can wait, and what a frame can count. */
const MOST = 2 ** 31 - 1;

/** Throws ConfigError for an option that is wrong, unknown, or does not suit another one. */
export function gatewaySettings(options: GatewayOptions): GatewaySettings {
  checkOptions('clientGateway', options, OPTIONS);
  const { server, port, host = '127.0.0.1', path = '/clients', origins = [], authenticate } = options;
  if (options.allow === undefined) throw new ConfigError('clientGateway needs allow: what clients may call.');
  if (authenticate === undefined) throw new ConfigError(`clientGateway needs authenticate: ${authentication.what}.`);
  if ((server === undefined) === (port === undefined)) {
    throw new ConfigError('clientGateway needs either server, beside whose routes it listens, or port.');
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    throw new ConfigError(`port of clientGateway must be a number from 0 to 65535, not ${port}.`);
  }
  if (server === undefined && authenticate === 'anyone' && !isLoopbackHost(host)) {
    throw new ConfigError(
      `clientGateway would let everyone in that reaches ${host}: authenticate clients, or listen on 127.0.0.1.`,
    );
  }
  if (!PATH.test(path)) throw new ConfigError(`path of clientGateway must be like /clients, not ${shownValue(path)}.`);
  const wrong = origins.find((origin) => typeof origin !== 'string' || !ORIGIN.test(origin));
  if (wrong !== undefined) {
    throw new ConfigError(`origins of clientGateway must be like https://shop.example, not ${shownValue(wrong)}.`);
  }
  return { server, port: port ?? 0, host, path, origins, limits: limitsOf(options.limits) };
}

function limitsOf(given: Partial<GatewayLimits> = {}): GatewayLimits {
  checkOptions('limits of clientGateway', given, LIMITS);
  for (const [name, value] of Object.entries(given)) {
    if (Number.isInteger(value) && value > 0 && value <= MOST) continue;
    throw new ConfigError(`${name} in limits of clientGateway must be an integer from 1 to ${MOST}, not ${value}.`);
  }
  return { ...DEFAULTS, ...given };
}
