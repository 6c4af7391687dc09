/** A headless Chromium, driven by its DevTools protocol: enough to open a page, look at it, press keys and take pictures. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { eventually } from './until.js';

/** A Debian package, too. */
export const CHROMIUM = 'chromium-headless-shell';

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, never>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly scheme?: 'light' | 'dark';
}

export class Browser {
  /** What pages have logged as errors or warnings, exceptions, and requests that failed or went elsewhere than to loopback. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #socket: WebSocket;
  readonly #folder: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #session = '';
  #last = 0;

  private constructor(child: ChildProcess, socket: WebSocket, folder: string) {
    this.#child = child;
    this.#socket = socket;
    this.#folder = folder;
    socket.on('message', (data: Buffer) => this.#arrived(JSON.parse(data.toString()) as Answer));
  }

  static async start(): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-browser-'));
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', '--no-first-run'];
    const child = spawn(CHROMIUM, [...flags, '--disable-dev-shm-usage', `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let address = '';
    for await (const line of createInterface({ input: child.stderr })) {
      [, address = ''] = /DevTools listening on (ws:\S+)/.exec(line) ?? [];
      if (address !== '') break;
    }
    child.stderr.resume();
    const socket = new WebSocket(address);
    await once(socket, 'open');
    const browser = new Browser(child, socket, folder);
    const { targetId } = await browser.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.#send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = String(sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.#send(`${domain}.enable`);
    return browser;
  }

  async open(url: string, { width, height, scheme = 'light' }: Look): Promise<void> {
    await this.look({ width, height, scheme });
    await this.#send('Page.navigate', { url });
  }

  async look({ width, height, scheme = 'light' }: Look): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.#send('Emulation.setDeviceMetricsOverride', metrics);
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  /** The value of an expression in the page, as JSON has it. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value?: unknown }).value;
  }

  /** The text that a reader sees in the elements of a selector. */
  async text(selector: string): Promise<string> {
    const all = `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent).join('\\n')`;
    return String(await this.evaluate(all)).replaceAll(/[ \n]+/g, ' ');
  }

  /** Waits until the page shows a text in the elements of a selector. */
  async shows(selector: string, text: string | RegExp): Promise<void> {
    let last = '';
    await eventually(async () => {
      last = await this.text(selector);
      return typeof text === 'string' ? last.includes(text) : text.test(last);
    }).catch(() => {
      throw new Error(`${selector} never showed ${String(text)}, but ${last}`);
    });
  }

  click(selector: string): Promise<unknown> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  }

  async press(key: string): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', key, ...text });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }

  /** A PNG of what the window shows. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#socket.terminate();
    // It has started others, which outlive it.
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    await exit;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#last;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    const { result = {}, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #arrived(answer: Answer): void {
    if (answer.id !== undefined) {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
      return;
    }
    const text = JSON.stringify(answer.params);
    if (answer.method === 'Runtime.exceptionThrown' || answer.method === 'Log.entryAdded') this.complaints.push(text);
    if (answer.method === 'Runtime.consoleAPICalled' && !/"type":"(log|info|debug)"/.test(text))
      this.complaints.push(text);
    if (answer.method === 'Network.requestWillBeSent') {
      const [, url = ''] = /"url":"([^"]*)"/.exec(text) ?? [];
      if (!/^(http:\/\/127\.0\.0\.1[:/]|data:|about:)/.test(url)) this.complaints.push(`a request to ${url}`);
    }
  }
}
