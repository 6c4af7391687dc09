import { ConfigError } from '../../errors.js';
import { type AnyService, v1 } from '../../protocol/index.js';
import { type ActorRef, systemKey, type UntypedRef } from '../kernel/index.js';
import type { Runtime } from '../runtime/index.js';

const CONTROL = v1.Container.methods;

/** The service of a container: that of its component, and what the governor asks of it. */
export function withControl<S extends AnyService>(service: S): S {
  for (const name of Object.keys(CONTROL)) {
    if (service.methods[name] !== undefined) {
      throw new ConfigError(`${service.typeName} has an rpc ${name}, which every container has already. Rename it.`);
    }
  }
  return { ...service, methods: { ...service.methods, ...CONTROL } };
}

export type ContainerControl = ActorRef<typeof v1.Container>;

const controls = new Map<string, typeof v1.Container>();

/** A reference to the container of `ref` by which it is probed, and its state exported and imported. */
export function containerControl(runtime: Runtime, ref: UntypedRef): ContainerControl {
  const { typeName } = ref.service;
  let service = controls.get(typeName);
  if (service === undefined) {
    // References compare the name of the service, and methods their own full names.
    service = { typeName, methods: CONTROL };
    controls.set(typeName, service);
  }
  return runtime[systemKey].reference(service, ref.toRef());
}
