import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Folder, type Started } from '../../cli/millrace.js';
import { environmentOf, kubernetes } from '../../examples/manifests.js';
import { needsCommand, pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { NameServer } from './name-server.js';

const DOMAIN = 'default.svc.cluster.local';
/** Gives a command a mount namespace with files of its own in place of those that say where names are resolved. */
const WITH_FILES = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"';

interface Member {
  readonly node: string;
  readonly status: string;
  readonly address: string;
}

describe('examples/deploy/kubernetes.yaml, in processes with the addresses and names of pods', function () {
  this.timeout(300_000);
  const { name, set, container } = kubernetes();
  const { readinessProbe, livenessProbe } = container;
  /** A network of the loopback device that no other test uses. */
  const network = `127.${randomInt(64, 250)}.${randomInt(1, 250)}`;
  const server = new NameServer();
  const pods = new Map<string, { readonly ip: string; readonly started: Started }>();
  let folder: Folder;

  before(async function () {
    if (process.platform !== 'linux') pendingBecause(this, 'only Linux has mount namespaces');
    if (process.getuid?.() !== 0) pendingBecause(this, 'it needs root, who can open port 53 and mount files');
    needsCommand(this, 'unshare', 'util-linux');
    folder = new Folder();
    folder.write('cluster.key', randomBytes(32).toString('hex'));
    chmodSync(join(folder.path, 'cluster.key'), 0o440);
    folder.write('hosts', '127.0.0.1 localhost\n');
    const search = ['default.svc', 'svc'].map((part) => `${part}.cluster.local`).join(' ');
    folder.write('resolv.conf', `nameserver ${network}.1\nsearch ${search} cluster.local\noptions ndots:5\n`);
    await server.listen(`${network}.1`);
  });

  after(async () => {
    for (const { started } of pods.values()) started.child.kill('SIGKILL');
    await Promise.all([...pods.values()].map(({ started }) => started.ended));
    await server.close();
    await folder.remove();
  });

  const inPod = (command: readonly string[]): readonly string[] => [
    'unshare',
    '-m',
    'sh',
    '-c',
    WITH_FILES,
    'sh',
    join(folder.path, 'resolv.conf'),
    join(folder.path, 'hosts'),
    ...command,
  ];

  /** What Kubernetes publishes. */
  function publish(): void {
    server.set(
      `${set.serviceName}.${DOMAIN}`,
      [...pods.values()].map(({ ip }) => ip),
    );
    for (const [pod, { ip }] of pods) server.set(`${pod}.${set.serviceName}.${DOMAIN}`, [ip]);
  }

  function variables(fields: Readonly<Record<string, string>>): Record<string, string> {
    const key = join(folder.path, 'cluster.key');
    return { ...environmentOf(container, fields), MILLRACE_CLUSTER_KEY_FILE: key, NOTICE_MS: '100' };
  }

  function start(pod: string, ip: string): void {
    const env = variables({ 'metadata.name': pod, 'status.podIP': ip });
    const command = [...container.command, ...(container.args ?? [])];
    pods.set(pod, { ip, started: folder.startBy(() => inPod(command), [], env) });
    publish();
  }

  async function answers(pod: string, path: string): Promise<boolean> {
    const port = container.ports.find((each) => each.name === 'http')?.containerPort;
    try {
      return (await fetch(`http://${pods.get(pod)?.ip}:${port}${path}`, { headers: { connection: 'close' } })).ok;
    } catch {
      return false;
    }
  }

  async function members(): Promise<Member[]> {
    const env = variables({ 'metadata.name': 'asks', 'status.podIP': `${network}.1` });
    const seed = env['MILLRACE_SEEDS'] ?? '';
    const words = ['members', '--seed', seed, '--json'];
    const asked = folder.startBy((command) => inPod(command), words, {
      MILLRACE_CLUSTER_KEY_FILE: env['MILLRACE_CLUSTER_KEY_FILE'] ?? '',
      MILLRACE_KEY_FILE_READERS: env['MILLRACE_KEY_FILE_READERS'] ?? '',
    });
    const { code, stdout } = await asked.ended;
    if (code !== 0) return [];
    const lines = stdout.trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Member);
  }

  async function allAlive(): Promise<boolean> {
    const alive = (await members()).filter(({ status }) => status === 'alive');
    return (
      alive
        .map(({ node }) => node)
        .toSorted()
        .join() === [...pods.keys()].join()
    );
  }

  it('are one network by the names of the headless service, and get ready', async () => {
    const names = Array.from({ length: set.replicas }, (_, index) => `${name}-${index}`);
    for (const [index, pod] of names.entries()) start(pod, `${network}.${10 + index}`);
    for (const pod of names) {
      await eventually(() => answers(pod, readinessProbe.httpGet.path));
      expect(await answers(pod, livenessProbe.httpGet.path)).to.equal(true);
    }
    await eventually(allAlive);
    for (const { node, address } of await members()) {
      expect(address).to.include(`tcp://${node}.${set.serviceName}:7000`);
    }
    expect([...server.asked]).to.include(`${set.serviceName}.${DOMAIN}`);
  });

  it('find a pod again that was killed and has another address', async () => {
    const pod = `${name}-0`;
    const killed = pods.get(pod)?.started;
    killed?.child.kill('SIGKILL');
    await killed?.ended;
    start(pod, `${network}.20`);
    await eventually(() => answers(pod, readinessProbe.httpGet.path));
    await eventually(allAlive);
    expect([...server.asked]).to.include(`${pod}.${set.serviceName}.${DOMAIN}`);
  });

  it('drain at SIGTERM, and end with exit code 0', async () => {
    for (const { started } of pods.values()) started.child.kill('SIGTERM');
    for (const { started } of pods.values()) {
      const { code, stdout, stderr } = await started.ended;
      expect(code, stderr).to.equal(0);
      expect(stdout).to.include('"isDrained":true');
    }
  });
});
