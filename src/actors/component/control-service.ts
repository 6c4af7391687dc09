import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { type AnyMethod, type AnyService, type Ref, v1 } from '../../protocol/index.js';
import { type ActorRef, type ActorSystem, routeKey, systemKey, type UntypedRef } from '../kernel/index.js';
import type { Runtime } from '../runtime/index.js';

const CONTROL = v1.Container.methods;
const CONTROL_METHODS: ReadonlySet<string> = new Set(Object.keys(CONTROL));

/** Whether every container has this rpc. */
export function isOfContainers(method: string): boolean {
  return CONTROL_METHODS.has(method);
}

/** The service of a container: that of its component, and what the governor asks of it. */
export function withControl<S extends AnyService>(service: S): S {
  for (const name of Object.keys(CONTROL)) {
    if (service.methods[name] !== undefined) {
      throw new ConfigError(`${service.typeName} has an rpc ${name}, which every container has already. Rename it.`);
    }
  }
  return { ...service, methods: { ...service.methods, ...CONTROL } };
}

/** Calls a method of the reference of a container, or of its `whenReady`, by the name of the method. */
export function invoke(target: unknown, { name }: AnyMethod, message: unknown, options: object | undefined): unknown {
  const call: unknown = typeof target === 'object' && target !== null ? Reflect.get(target, name) : undefined;
  if (typeof call !== 'function') throw new ConfigError(`The reference of a container has no method ${name}.`);
  return Reflect.apply(call, target, [message, options]);
}

export type ContainerControl = ActorRef<typeof v1.Container>;

const controls = new Map<string, typeof v1.Container>();

/** A reference to the container of `ref` by which it is probed, and its state exported and imported. Throws ConfigError for another value. */
export function containerControl(runtime: Runtime, ref: UntypedRef): ContainerControl {
  checkRuntime('containerControl', runtime);
  if (!hasProperty(ref, routeKey)) {
    throw new ConfigError(`containerControl needs the reference of a container, not ${shownValue(ref)}.`);
  }
  return controlReference(runtime[systemKey], ref.service, ref.toRef());
}

/** As `containerControl`, by the reference of a message. */
export function controlReference(system: ActorSystem, { typeName }: AnyService, ref: Ref): ContainerControl {
  let service = controls.get(typeName);
  if (service === undefined) {
    // References compare the name of the service, and methods their own full names.
    service = { typeName, methods: CONTROL };
    controls.set(typeName, service);
  }
  return system.reference(service, ref);
}

/** Throws ConfigError for what is no runtime. `of` says who needs one. */
export function checkRuntime(of: string, runtime: unknown): void {
  if (hasProperty(runtime, systemKey)) return;
  throw new ConfigError(`${of} needs a runtime of Runtime.start, not ${shownValue(runtime)}.`);
}

function hasProperty(value: unknown, key: symbol): boolean {
  return typeof value === 'object' && value !== null && key in value;
}
