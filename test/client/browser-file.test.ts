import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { decode, encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { until } from '../support/until.js';

const FILE = 'dist/browser/client.js';
/** What the code of a page may weigh. */
const GZIPPED_BYTES = 40 * 1024;

/** The WebSocket of a page, and a gateway that welcomes everyone. */
class PageSocket extends EventTarget {
  static readonly said: string[] = [];
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: ArrayBuffer }) => void) | null = null;

  constructor(url: string, protocol: string) {
    super();
    PageSocket.said.push(`${protocol} at ${url}`);
    setImmediate(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(data: ArrayBuffer): void {
    const { frame } = decode(v1.ClientFrame, new Uint8Array(data));
    PageSocket.said.push(JSON.stringify(frame));
    const welcome = { version: 1, frameBytes: 1_000, calls: 10 };
    const bytes = Uint8Array.from(encode(v1.GatewayFrame, { frame: { case: 'welcome', value: welcome } }));
    this.onmessage?.({ data: bytes.buffer });
  }

  close(): void {
    PageSocket.said.push('closed');
  }
}

describe('the file of the client for pages', () => {
  it('is one file of less than 40 KiB, compressed', () => {
    const text = readFileSync(FILE, 'utf8');
    expect(gzipSync(text).length).to.be.below(GZIPPED_BYTES);
    expect(text).to.not.match(/\bfrom ?["']|\bimport ?["']|\brequire\(/);
  });

  it('connects with nothing of Node', async function () {
    this.timeout(120_000);
    const options = ['--format=iife', '--global-name=millrace', '--log-level=error'];
    const { stdout, stderr } = spawnSync('node_modules/.bin/esbuild', [FILE, ...options], { encoding: 'utf8' });
    expect(stderr).to.equal('');
    const globals = { TextEncoder, TextDecoder, URL, EventTarget, ArrayBuffer, performance, setTimeout, clearTimeout };
    const page = createContext({ ...globals, location: new URL('https://shop.example/page'), WebSocket: PageSocket });
    runInContext(stdout, page);
    const state = `millrace.connect({ url: '/clients', token: 'abc' }).then((client) => { state = client.state; client.close(); }, (error) => { state = error.message; })`;
    runInContext(state, page);
    await until(() => Reflect.get(page, 'state') !== undefined);
    expect(Reflect.get(page, 'state')).to.equal('open');
    expect(PageSocket.said).to.deep.equal([
      'millrace-client at wss://shop.example/clients',
      '{"case":"hello","value":{"version":1,"token":"abc"}}',
      'closed',
    ]);
  });
});
