import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FLIGHTS, Folder, type Started } from '../../cli/millrace.js';
import { pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { type Certificate, certificate, newAuthority } from '../../transport/net/certificates.js';
import { HOST_FOLDER, type HostName, NAMES, NamespacedHosts, whyNoHosts } from './namespaced-hosts.js';

const PATIENCE_MS = 120_000;

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
