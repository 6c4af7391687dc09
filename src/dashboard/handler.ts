import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Peers } from '../actors/runtime/survey/index.js';
import { ConfigError, MillraceError } from '../errors.js';
import { isRecord, messageOf } from '../foreign.js';
import { ClusterWatch } from '../introspection/index.js';
import { type Logger, silentLogger } from '../logging/index.js';
import { Admission } from './admission.js';
import { readAssets } from './assets.js';
import { streamViews } from './event-stream.js';

/** What has a cluster to show: a Runtime. */
export interface WatchedCluster {
  readonly peers: Peers;
}

export interface DashboardOptions {
  /** What a browser must show, at least 16 characters. Without it only browsers of this machine are served. */
  readonly token?: string;
  /** Names by which browsers reach the page, besides those of loopback: `ops.example`. */
  readonly hosts?: readonly string[];
  /** Those who see the page may stop and restart actors. Default false. */
  readonly actions?: boolean;
  /** Time in ms between two views. Default 1,000. */
  readonly intervalMs?: number;
  readonly log?: Logger;
}

/** Serves the page. It needs the paths below one path, such as `/millrace/`. */
export interface DashboardHandler {
  (request: IncomingMessage, response: ServerResponse): void;
  /** Ends the streams to browsers. */
  close(): void;
}

/** Browsers that are connected at a time. */
const BROWSERS = 8;
const BODY_CHARACTERS = 65_536;
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * The page as a plain handler, for a server of the user. Throws ConfigError for a wrong option.
 *
 *     const page = dashboardHandler(runtime);
 *     http.createServer(page).listen(7020, '127.0.0.1');
 */
export function dashboardHandler(cluster: WatchedCluster, options: DashboardOptions = {}): DashboardHandler {
  const pages = new Pages(cluster, options);
  return Object.assign(
    (request: IncomingMessage, response: ServerResponse): void => {
      pages.serve(request, response).catch((error: unknown) => fail(response, error));
    },
    { close: () => pages.close() },
  );
}

class Pages {
  readonly #peers: Peers;
  readonly #admission: Admission;
  readonly #actions: boolean;
  readonly #intervalMs: number;
  readonly #log: Logger;
  readonly #assets = readAssets();
  readonly #streams = new Set<ServerResponse>();
  #isClosed = false;

  constructor({ peers }: WatchedCluster, options: DashboardOptions) {
    const { token, hosts = [], actions = false, intervalMs = 1_000, log = silentLogger } = options;
    if (!(intervalMs >= 100 && intervalMs <= 5_000)) {
      throw new ConfigError(`intervalMs of a dashboard is a number of ms from 100 to 5000, not ${intervalMs}`);
    }
    this.#peers = peers;
    this.#admission = new Admission({ token, hosts });
    this.#actions = actions;
    this.#intervalMs = intervalMs;
    this.#log = log;
  }

  close(): void {
    this.#isClosed = true;
    for (const response of this.#streams) response.end();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://millrace');
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const rejection = this.#admission.rejectionOf(request, url);
    if (rejection !== undefined) return answer(response, rejection.status, { message: rejection.why });
    const cookie = this.#admission.cookieFor(url);
    if (cookie !== undefined) return redirect(response, url, cookie);
    const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    if (request.method === 'POST' && name === 'act') return this.#act(request, response);
    if (request.method !== 'GET') return answer(response, 405, { message: `${request.method} is not served here.` });
    if (name === 'events') return this.#stream(url, response);
    if (name === 'view') return this.#view(url, response);
    if (name === 'actor') return this.#actor(url, response);
    return this.#file(name === '' ? 'index.html' : name, response);
  }

  #file(name: string, response: ServerResponse): void {
    const asset = this.#assets.get(name);
    if (asset === undefined) return answer(response, 404, { message: 'There is no such page.' });
    response.writeHead(200, { 'content-type': asset.type, 'content-length': asset.bytes.length });
    response.end(asset.bytes);
  }

  async #stream(url: URL, response: ServerResponse): Promise<void> {
    if (this.#isClosed || this.#streams.size >= BROWSERS) {
      return answer(response, 503, { message: `${BROWSERS} browsers are connected already: close one of them.` });
    }
    const watch = this.#watchOf(url);
    this.#streams.add(response);
    const [scheduler, intervalMs, log] = [this.#peers.scheduler, this.#intervalMs, this.#log];
    await streamViews({ response, watch, scheduler, intervalMs, log });
    this.#streams.delete(response);
  }

  async #view(url: URL, response: ServerResponse): Promise<void> {
    const watch = this.#watchOf(url);
    try {
      answer(response, 200, { ...(await watch.refresh()), mayAct: this.#actions });
    } finally {
      watch.close();
    }
  }

  async #actor(url: URL, response: ServerResponse): Promise<void> {
    const [partition, path] = [url.searchParams.get('partition') ?? '', url.searchParams.get('path') ?? ''];
    if (!/^\d{1,10}$/.test(partition)) return answer(response, 400, { message: 'Name a partition by its number.' });
    const watch = new ClusterWatch(this.#peers);
    answer(response, 200, { ...(await watch.examine(Number(partition), path)), mayAct: this.#actions });
  }

  async #act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#actions)
      return answer(response, 403, { message: 'Who sees this page may not act: it was opened without `actions`.' });
    if (request.headers['content-type'] !== 'application/json') return answer(response, 415, { message: 'Send JSON.' });
    const body: unknown = JSON.parse(await textOf(request));
    if (!isRecord(body)) return answer(response, 400, { message: 'Send an object.' });
    const { partition, path, action } = body;
    if (typeof partition !== 'number' || typeof path !== 'string' || (action !== 'stop' && action !== 'restart')) {
      return answer(response, 400, { message: 'Send { partition, path, action }, with the action stop or restart.' });
    }
    await new ClusterWatch(this.#peers).act(partition, path, action);
    answer(response, 200, {});
  }

  #watchOf({ searchParams }: URL): ClusterWatch {
    const order = searchParams.get('order') ?? 'mailbox';
    if (order !== 'mailbox' && order !== 'work' && order !== 'handled' && order !== 'path') {
      throw new ConfigError('order is mailbox, work, handled or path');
    }
    return new ClusterWatch(this.#peers, {
      filter: searchParams.get('filter') ?? '',
      order,
      limit: Number(searchParams.get('limit') ?? 0),
      withRuntime: searchParams.get('runtime') === '1',
    });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_CHARACTERS) throw new ConfigError(`A request has at most ${BODY_CHARACTERS} characters.`);
  }
  return text;
}

/** The token is not in the address any more, where others would see it. */
function redirect(response: ServerResponse, url: URL, cookie: string): void {
  const rest = new URLSearchParams(url.searchParams);
  rest.delete('token');
  const query = rest.size === 0 ? '' : `?${rest.toString()}`;
  response.writeHead(303, { location: `${url.pathname}${query}`, 'set-cookie': cookie });
  response.end();
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
}

function fail(response: ServerResponse, error: unknown): void {
  const status = error instanceof MillraceError || error instanceof SyntaxError ? 400 : 500;
  if (response.headersSent) response.destroy();
  else answer(response, status, { message: messageOf(error) });
}
