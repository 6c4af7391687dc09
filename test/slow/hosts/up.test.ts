import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { FLIGHTS, Folder, type Started } from '../../cli/millrace.js';
import { pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { lackingUcx } from '../../transport/ucx/available.js';
import { type Certificate, certificate, newAuthority } from '../../transport/net/certificates.js';
import { HOST_FOLDER, type HostName, NAMES, NamespacedHosts, whyNoHosts } from './namespaced-hosts.js';

const PATIENCE_MS = 120_000;

const QUOTES = `
import { behavior, component } from 'millrace';
import { Market } from ${JSON.stringify(resolve('examples/service/gen/market.js'))};
export const quotes = component('quotes', import.meta.url, Market, () =>
  behavior(Market, { observe: () => {}, fail: () => ({}), async *watch() {}, quote: (_, { symbol }) => ({ symbol }) }));`;

/** By which links the head reaches the actors of the other nodes. */
const CARRIERS = `
import { Runtime } from 'millrace';
import { quotes } from './quotes.js';
const runtime = await Runtime.current();
for (const node of ['node-1', 'node-2']) {
  const known = new Set(runtime.health().links.map(({ peer }) => peer));
  const ref = await runtime.place(quotes, { on: { node }, timeoutMs: 30_000 });
  await ref.quote({ symbol: 'ACME' });
  const [link] = runtime.health().links.filter(({ peer, framesSent }) => !known.has(peer) && framesSent > 0);
  console.log(node, link?.carrier?.transport, link?.carrier?.medium);
}
await runtime.stop();`;

describe('millrace up over three hosts', function () {
  this.timeout(600_000);
  let folder: Folder;
  let hosts: NamespacedHosts;
  let ca: Certificate;
  let alone = '';

  before(async function () {
    const why = whyNoHosts();
    if (why !== undefined) pendingBecause(this, why);
    folder = new Folder();
    const ran = await folder.run(['run', FLIGHTS, '--quiet']);
    expect(ran.code, ran.stderr).to.equal(0);
    alone = folder.read('out/flights.json');
    folder.write('stays.js', "console.log('I stay'); setInterval(() => {}, 1000);");
    hosts = await NamespacedHosts.start(folder.path);
    ca = await newAuthority();
    for (const name of NAMES) await certify(name);
  });

  after(async () => {
    await hosts?.stop();
    await folder?.remove();
  });

  afterEach(() => nothingIsLeft());

  async function certify(name: HostName, subject: string = name, by = ca): Promise<void> {
    const { cert, key } = await certificate(by, subject);
    const own = join(folder.path, name);
    writeFileSync(join(own, 'cert.pem'), cert);
    writeFileSync(join(own, 'key.pem'), key, { mode: 0o600 });
    writeFileSync(join(own, 'ca.pem'), ca.cert);
  }

  function tls(): Readonly<Record<string, string>> {
    const path = (file: string): string => join(HOST_FOLDER, file);
    return {
      MILLRACE_TLS_CERT_FILE: path('cert.pem'),
      MILLRACE_TLS_KEY_FILE: path('key.pem'),
      MILLRACE_TLS_CA_FILE: path('ca.pem'),
    };
  }

  /** The command on host one. */
  function start(words: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
    return folder.startBy((command) => hosts.on('one', command), words, env);
  }

  const up = (module: string, ...words: readonly string[]): readonly string[] => [
    'up',
    module,
    '--hosts',
    NAMES.join(),
    ...words,
  ];

  async function nothingIsLeft(): Promise<void> {
    await eventually(() => hosts.left().length === 0, PATIENCE_MS).catch(() => {});
    const left = hosts.left();
    hosts.clean();
    expect(left).to.deep.equal([]);
  }

  it('gives the flights example the result of a single process, over TLS with a certificate of each host', async () => {
    folder.write('out/flights.json', '');
    const { code, stderr } = await start(up(FLIGHTS, '--tls'), { ...tls(), MILLRACE_LOG_LEVEL: 'debug' }).ended;
    expect(code, stderr).to.equal(0);
    expect(folder.read('out/flights.json')).to.equal(alone);
    // Options of the environment hold on all hosts.
    for (const node of ['node-1', 'node-2']) expect(stderr).to.match(new RegExp(`"level":"debug".*"node":"${node}"`));
  });

  it('gives it over UCX on TCP, too, on the interfaces that are named, with the key of the run', async function () {
    const why = lackingUcx();
    if (why !== undefined) pendingBecause(this, why);
    const env = { MILLRACE_UCX: 'required', MILLRACE_UCX_INTERFACES: 'eth0' };
    folder.write('out/flights.json', '');
    const { code, stderr } = await start(up(FLIGHTS), env).ended;
    expect(code, stderr).to.equal(0);
    expect(folder.read('out/flights.json')).to.equal(alone);
    folder.write('quotes.js', QUOTES);
    folder.write('carriers.js', CARRIERS);
    const carriers = await start(up('carriers.js', '--no-prefix', '--quiet'), env).ended;
    expect(carriers.stdout, carriers.stderr).to.equal('node-1 ucx tcp\nnode-2 ucx tcp\n');
  });

  it('takes a host that joins over TLS, and takes it again after it was cut off for longer', async () => {
    const started = start(['up', 'stays.js', '--hosts', 'one,two', '--tls'], tls());
    await started.says('is up: 2 nodes');
    const inspected = await start(['inspect', '--json'], tls()).ended;
    const { controlPlane, keyFile } = JSON.parse(inspected.stdout) as { controlPlane: string; keyFile: string };
    // The administrator carries the key to the third host.
    const key = readFileSync(keyFile.replace(HOST_FOLDER, join(folder.path, 'one')));
    writeFileSync(join(folder.path, 'three', 'run.key'), key, { mode: 0o600 });
    const joins = (): Started =>
      folder.startBy((command) => hosts.on('three', command), ['join', '--to', controlPlane, '--node', 'late'], {
        ...tls(),
        MILLRACE_CLUSTER_KEY_FILE: join(HOST_FOLDER, 'run.key'),
        MILLRACE_LISTEN: 'tls://three:0',
      });
    const shown = async (): Promise<string> => (await start(['ps'], tls()).ended).stdout;
    const first = joins();
    await first.says('late has joined the run');
    expect(await shown()).to.match(/^ {2}late {2}process .*\n {4}worker-2 .*alive$/m);
    hosts.cut('three');
    try {
      const lost = await first.ended;
      expect(lost.code, lost.stderr).to.equal(4);
      expect(lost.stderr).to.include('has ended by itself, or is cut off');
      await started.says('worker-2 of late has ended by itself');
    } finally {
      hosts.join('three');
    }
    await eventually(async () => !/late/.test(await shown()), PATIENCE_MS);
    const again = joins();
    await again.says('late has joined the run');
    expect(await shown()).to.match(/^ {2}late {2}process .*\n {4}worker-3 .*alive$/m);
    expect((await start(['stop'], tls()).ended).code).to.equal(0);
    expect((await again.ended).code).to.equal(0);
    expect((await started.ended).code).to.equal(143);
  });

  it('ends with exit code 4 after a host was cut off for longer, on that host too, and comes up when it is joined again', async () => {
    const started = start(up('stays.js', '--tls'), tls());
    await started.says('is up: 3 nodes');
    await eventually(() => hosts.commands('three').some(({ command }) => command.includes('worker.js')), PATIENCE_MS);
    hosts.cut('three');
    try {
      const { code, stderr } = await started.ended;
      expect(code, stderr).to.equal(4);
      expect(stderr).to.match(/a part of the run has ended by itself.*Node 2/);
      await eventually(() => hosts.commands('three').length === 0, PATIENCE_MS);
    } finally {
      hosts.join('three');
    }
    const again = start(up('stays.js', '--tls'), tls());
    await again.says('is up: 3 nodes');
    expect((await start(['stop'], tls()).ended).code).to.equal(0);
    expect((await again.ended).code).to.equal(143);
  });

  it('names a host whose certificate is of another authority, and says what to do', async () => {
    await certify('two', 'two', await newAuthority());
    const { code, stderr } = await start(up('stays.js', '--tls'), tls()).ended;
    await certify('two');
    expect(code, stderr).to.equal(1);
    expect(stderr).to.match(
      /the backend of node-1 \(two, process \d+\) has ended: it threw .*certificate.*tlsCertFile .*cert\.pem/i,
    );
  });

  it('names a host whose certificate is for another name, and says what to do', async () => {
    await certify('two', 'four');
    const { code, stderr } = await start(up('stays.js', '--tls'), tls()).ended;
    await certify('two');
    expect(code, stderr).to.equal(1);
    expect(stderr).to.match(/the certificate of two is refused: .*Give two a certificate for its name "two"/);
  });
});
