/** Runs examples/service as a process of its own, and speaks HTTP with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { root } from './root.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it says of itself at the end. */
  readonly isDrained?: boolean;
  readonly accepted?: number;
  readonly answered?: number;
}

export class Service {
  readonly url: string;
  readonly ended: Promise<Ended>;
  /** What it has logged. */
  readonly log: () => string;
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(child: ChildProcess, url: string, ended: Promise<Ended>, log: () => string) {
    this.log = log;
    this.#child = child;
    this.url = url;
    this.ended = ended;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<Service> {
    const child = spawn(process.execPath, [join(root, 'examples/service/dist/main.js')], {
      // The package ws takes bufferutil, a native library, where it is installed: here for benchmarks.
      env: { ...process.env, PORT: '0', WS_NO_BUFFER_UTIL: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const lines = createInterface({ input: child.stdout });
    let last: object = {};
    lines.on('line', (line) => {
      if (line.startsWith('{')) last = JSON.parse(line) as object;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code, signal) => resolve({ ...last, code, signal }));
    });
    const [line] = (await Promise.race([
      once(lines, 'line'),
      ended.then(({ code }) =>
        Promise.reject(new Error(`the service ended with code ${code} before it listened: ${log}`)),
      ),
    ])) as [string];
    return new Service(child, line.replace('listening on ', ''), ended, () => log);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** For `afterEach`: nothing is left of it. */
  async kill(): Promise<void> {
    this.#agent.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.ended;
  }

  get(path: string): Promise<Answer> {
    return send(this.#agent, 'GET', `${this.url}${path}`);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return send(this.#agent, 'POST', `${this.url}${path}`, body);
  }

  /** Opens server-sent events; resolves when the service says that it is connected. */
  async events(path: string): Promise<Events> {
    const opened = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${this.url}${path}`, { agent: false }, resolve).on('error', reject).end();
    });
    return new Events(opened);
  }
}

export class Events {
  readonly headers: IncomingMessage['headers'];
  readonly #response: IncomingMessage;
  readonly #lines: AsyncIterator<string>;

  constructor(response: IncomingMessage) {
    this.headers = response.headers;
    this.#response = response;
    this.#lines = createInterface({ input: response })[Symbol.asyncIterator]();
  }

  /** The data of the next event; undefined at the end. */
  async next(): Promise<unknown> {
    for (let line = await this.#lines.next(); line.done !== true; line = await this.#lines.next()) {
      if (line.value.startsWith('data: ')) return JSON.parse(line.value.slice(6));
    }
    return undefined;
  }

  close(): void {
    this.#response.destroy();
  }
}

/** Sends one request; rejects when it has no whole answer. */
export function send(agent: Agent, method: string, url: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    request(url, { agent, method, headers }, (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('end', () => {
        if (response.complete) resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer });
        else reject(new BrokenAnswer());
      });
      response.on('error', () => reject(new BrokenAnswer()));
    })
      .on('error', reject)
      .end(text);
  });
}

/** An answer began, and never ended. */
export class BrokenAnswer extends Error {}

/** What became of the requests of a load. */
export interface Outcome {
  /** Answered in full, by status. */
  readonly answered: Map<number, number>;
  /** Answered with 503, and told that the connection ends. */
  closing: number;
  /** The connection was refused: nobody listens any more. */
  refused: number;
  /** The connection was reset before a word of an answer came. */
  reset: number;
  /** An answer broke off. */
  broken: number;
}

/** Requests one behind the other on each of many connections, until it is told to stop or nobody listens any more. */
export class Load {
  readonly outcome: Outcome = { answered: new Map(), closing: 0, refused: 0, reset: 0, broken: 0 };
  readonly done: Promise<unknown>;
  readonly #url: string;
  #isOver = false;

  constructor(url: string, connections: number) {
    this.#url = url;
    this.done = Promise.all(Array.from({ length: connections }, (_, index) => this.#run(index)));
  }

  get count(): number {
    return [...this.outcome.answered.values()].reduce((sum, count) => sum + count, 0);
  }

  stop(): Promise<unknown> {
    this.#isOver = true;
    return this.done;
  }

  async #run(index: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const url = `${this.#url}/prices/S${index}`;
    for (let count = 0; !this.#isOver; count++) await this.#request(agent, url, count);
    agent.destroy();
  }

  async #request(agent: Agent, url: string, count: number): Promise<void> {
    const { outcome } = this;
    try {
      const isTell = count % 3 === 0;
      const { status, headers } = await send(
        agent,
        isTell ? 'POST' : 'GET',
        url,
        isTell ? { price: count + 1 } : undefined,
      );
      outcome.answered.set(status, (outcome.answered.get(status) ?? 0) + 1);
      if (status === 503 && headers.connection === 'close') outcome.closing++;
    } catch (error) {
      if (error instanceof BrokenAnswer) outcome.broken++;
      else if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') {
        outcome.refused++;
        this.#isOver = true;
      } else outcome.reset++;
    }
  }
}
