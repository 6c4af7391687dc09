/** What the files of examples/deploy say. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

interface Port {
  readonly name: string;
  readonly port?: number;
  readonly containerPort?: number;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
}

export interface Container {
  readonly workingDir: string;
  readonly command: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly Variable[];
  readonly ports: readonly Port[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface ServiceSpec {
  readonly clusterIP?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly selector: object;
  readonly ports: readonly (Port & { readonly targetPort?: string })[];
}

interface StatefulSetSpec {
  readonly serviceName: string;
  readonly replicas: number;
  readonly selector: { readonly matchLabels: object };
  readonly template: {
    readonly metadata: { readonly labels: object };
    readonly spec: {
      readonly terminationGracePeriodSeconds: number;
      readonly containers: readonly [Container];
      readonly volumes: readonly { readonly name: string; readonly secret: { readonly defaultMode: number } }[];
    };
  };
}

interface Resource<Kind extends string, Spec> {
  readonly kind: Kind;
  readonly metadata: { readonly name: string };
  readonly spec: Spec;
}

type Resources = Resource<'Service', ServiceSpec> | Resource<'StatefulSet', StatefulSetSpec>;

export interface Kubernetes {
  readonly services: ReadonlyMap<string, ServiceSpec>;
  readonly name: string;
  readonly set: StatefulSetSpec;
  readonly container: Container;
}

/** Kubernetes reads YAML 1.1, in which 0440 is octal. */
export function kubernetes(): Kubernetes {
  const documents = parseAllDocuments(readFileSync('examples/deploy/kubernetes.yaml', 'utf8'), { version: '1.1' });
  const services = new Map<string, ServiceSpec>();
  let found: Pick<Kubernetes, 'name' | 'set'> | undefined;
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const { kind, metadata, spec } = document.toJS() as Resources;
    if (kind === 'Service') services.set(metadata.name, spec);
    else found = { name: metadata.name, set: spec };
  }
  if (found === undefined) throw new Error('The manifest has no StatefulSet.');
  return { services, ...found, container: found.set.template.spec.containers[0] };
}

/** The environment of a pod, as Kubernetes makes it: `$(NAME)` is a variable that comes before. */
export function environmentOf({ env }: Container, fields: Readonly<Record<string, string>>): Record<string, string> {
  const made: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const given = value ?? fields[valueFrom?.fieldRef.fieldPath ?? ''];
    if (given === undefined) throw new Error(`The manifest does not say what ${name} is.`);
    made[name] = given.replaceAll(/\$\((\w+)\)/g, (_, variable: string) => {
      const known = made[variable];
      if (known === undefined) throw new Error(`${name} uses ${variable}, which no variable before it is.`);
      return known;
    });
  }
  return made;
}

/** The settings of a unit of systemd by section, each with its values in their order. */
export function unit(): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync('examples/deploy/prices.service', 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, named] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (named !== undefined) section = named;
    else if (name === undefined || value === undefined) throw new Error(`No line of a unit: ${line}`);
    else settings.set(`${section}.${name}`, [...(settings.get(`${section}.${name}`) ?? []), value]);
  }
  return settings;
}
