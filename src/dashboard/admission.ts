import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ConfigError } from '../errors.js';

/** Why a request is refused: the status of the response, and a sentence. */
export interface Rejection {
  readonly status: number;
  readonly why: string;
}

export interface AdmissionOptions {
  /** What a browser must show; undefined: only this machine is served. */
  readonly token: string | undefined;
  /** Names by which browsers may reach the page besides those of loopback. */
  readonly hosts: readonly string[];
}

const TOKEN_CHARACTERS = 16;
const COOKIE = 'millrace-token';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;
const LOOPBACK_PEER = /^(::ffff:)?127\.|^::1$/;

/**
 * Who may see the page. A page of another site must not read it through the browser of its reader: by its own name that leads to this machine (the Host is
 * checked), or by a request across sites (the Origin is).
 */
export class Admission {
  readonly #token: string | undefined;
  readonly #hosts: ReadonlySet<string>;

  /** Throws ConfigError for a token that is too short. */
  constructor({ token, hosts }: AdmissionOptions) {
    if (
      token !== undefined &&
      (typeof token !== 'string' || token.length < TOKEN_CHARACTERS || !/^[\w.~-]+$/.test(token))
    ) {
      throw new ConfigError(
        `The token of a dashboard has at least ${TOKEN_CHARACTERS} letters, digits, and any of - _ . ~`,
      );
    }
    this.#token = token;
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /** Undefined for a request that is served. */
  rejectionOf(request: IncomingMessage, url: URL): Rejection | undefined {
    const host = request.headers.host?.toLowerCase() ?? '';
    if (!this.#isOwn(host)) {
      return {
        status: 421,
        why: `This page is not served as ${host || 'a host without a name'}: use localhost, or add the name to \`hosts\`.`,
      };
    }
    if (isCrossSite(request, host)) return { status: 403, why: 'This page answers no requests of other sites.' };
    if (this.#token === undefined) {
      const isHere = LOOPBACK_PEER.test(request.socket.remoteAddress ?? '');
      return isHere
        ? undefined
        : { status: 403, why: 'Without a token only this machine is served: give the dashboard a `token`.' };
    }
    return this.#hasToken(request, url)
      ? undefined
      : { status: 401, why: 'Open the page with its token: add ?token=TOKEN to the address.' };
  }

  /** What the browser keeps, so that the address of the page is without the token from now on; undefined where the address has none. */
  cookieFor(url: URL): string | undefined {
    const token = url.searchParams.get('token');
    if (this.#token === undefined || token === null) return undefined;
    return `${COOKIE}=${this.#token}; HttpOnly; SameSite=Strict; Path=${folderOf(url)}`;
  }

  #isOwn(host: string): boolean {
    const name = host.replace(/:\d+$/, '');
    return LOOPBACK.test(name) || this.#hosts.has(name) || this.#hosts.has(host);
  }

  #hasToken({ headers }: IncomingMessage, url: URL): boolean {
    const [, bearer] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? [];
    const cookie = (headers.cookie ?? '')
      .split(/; */)
      .find((each) => each.startsWith(`${COOKIE}=`))
      ?.slice(COOKIE.length + 1);
    return [bearer, cookie, url.searchParams.get('token')].some((given) => isEqual(given, this.#token));
  }
}

/** All files of the page are in it. */
function folderOf({ pathname }: URL): string {
  return pathname.slice(0, pathname.lastIndexOf('/') + 1);
}

/** A navigation that a person begins, such as one by a link, is none. */
function isCrossSite({ headers }: IncomingMessage, host: string): boolean {
  const { origin } = headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '').toLowerCase() !== host) return true;
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none' && headers['sec-fetch-mode'] !== 'navigate';
}

function isEqual(given: string | null | undefined, token: string | undefined): boolean {
  if (given === null || given === undefined || token === undefined) return false;
  const [left, right] = [Buffer.from(given), Buffer.from(token)];
  return left.length === right.length && timingSafeEqual(left, right);
}
