import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { steps } from '#src/actors/services/index.js';
import { resolveOptions } from '#src/options/index.js';
import { v1 } from '#src/protocol/index.js';
import { environmentOf, kubernetes, unit } from './manifests.js';

/** A number of milliseconds in the program that the files run. */
function inProgram(name: string): number {
  const text = readFileSync('examples/service/src/main.ts', 'utf8');
  const values = [...text.matchAll(new RegExp(`\\b${name}: ([\\d_]+)`, 'g'))].map(([, value = '']) =>
    Number(value.replaceAll('_', '')),
  );
  expect(values, name).not.to.deep.equal([]);
  return values.reduce((sum, value) => sum + value, 0);
}

describe('examples/deploy/kubernetes.yaml', () => {
  const { services, name, set, container } = kubernetes();
  const { template } = set;
  const environment = environmentOf(container, { 'metadata.name': `${name}-0`, 'status.podIP': '10.1.2.3' });

  it('has the headless service by which its pods find each other, before they are ready', () => {
    const headless = services.get(set.serviceName);
    expect(headless).to.include({ clusterIP: 'None', publishNotReadyAddresses: true });
    for (const { selector } of services.values()) expect(selector).to.deep.equal(template.metadata.labels);
    expect(set.selector.matchLabels).to.deep.equal(template.metadata.labels);
  });

  it('gives options that are accepted, with the addresses of the headless service and of the pod', () => {
    const { values, notice } = resolveOptions({ env: environment, file: undefined });
    expect(notice).to.equal(undefined);
    const port = services.get(set.serviceName)?.ports.find((each) => each.name === 'links')?.port;
    expect(values.seeds).to.deep.equal([`tcp://${set.serviceName}:${port}`]);
    expect(values.listen).to.equal(`tcp://10.1.2.3:${port}`);
    expect(values.advertisedHost).to.equal(`${name}-0.${set.serviceName}`);
    expect(values.keyFileReaders).to.equal('group');
  });

  it('opens the ports that services and probes name, and mounts the key where the option says', () => {
    const ports = new Map(container.ports.map((each) => [each.name, String(each.containerPort)]));
    expect(ports.get('http')).to.equal(environment['PORT']);
    for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
      expect(ports.has(httpGet.port)).to.equal(true);
    }
    for (const { ports: offered } of services.values()) {
      for (const { name: port, port: number, targetPort } of offered) {
        expect(ports.has(targetPort ?? port)).to.equal(true);
        if (targetPort === undefined) expect(String(number)).to.equal(ports.get(port));
      }
    }
    const [mount] = container.volumeMounts;
    expect(environment['MILLRACE_CLUSTER_KEY_FILE']).to.equal(`${mount?.mountPath}/cluster.key`);
    const volume = template.spec.volumes.find((each) => each.name === mount?.name);
    expect(volume?.secret.defaultMode).to.equal(0o440);
  });

  it('gives a pod more time to end than its drain takes', () => {
    const drainMs = Number(environment['NOTICE_MS']) + inProgram('graceMs') + inProgram('drainTimeoutMs');
    expect(1_000 * template.spec.terminationGracePeriodSeconds).to.be.greaterThan(drainMs);
  });
});

describe('examples/deploy/prices.service', () => {
  const settings = unit();
  const valueOf = (name: string): string => settings.get(`Service.${name}`)?.join(' ') ?? '';

  it('signals the launcher alone, and gives it more time than its teardown takes', () => {
    expect(valueOf('KillMode')).to.equal('mixed');
    expect(valueOf('KillSignal')).to.equal('SIGTERM');
    const halts = steps.filter(({ step }) => step >= v1.Step.HALT_APPLICATION);
    const teardownMs = halts.reduce((sum, { patienceMs }) => sum + patienceMs, 0);
    expect(1_000 * Number(valueOf('TimeoutStopSec'))).to.be.greaterThan(teardownMs);
    expect(valueOf('Restart')).to.equal('on-failure');
  });

  it('keeps the files of the run where systemd makes a folder for it', () => {
    expect(valueOf('Environment').split(' ')).to.include(`XDG_RUNTIME_DIR=/run/${valueOf('RuntimeDirectory')}`);
    expect(valueOf('RuntimeDirectoryMode')).to.equal('0700');
  });
});
