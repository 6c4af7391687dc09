import type { AnyService } from '../../../protocol/index.js';
import {
  type AskWrapper,
  type GroupRef,
  type ReadyOptions,
  type WhenReadyOptions,
  wrapAsksKey,
} from '../../kernel/index.js';
import type { CallsOfGroup } from './group-calls.js';
import { WrappedGroupCalls } from './wrapped-group-calls.js';

/** Creates the reference of a group. */
export function groupRef<S extends AnyService>(service: S, calls: CallsOfGroup): GroupRef<S> {
  let Reference = classes.get(service);
  if (Reference === undefined) {
    Reference = groupReferenceClass(service);
    classes.set(service, Reference);
  }
  // oxlint-disable-next-line typescript/consistent-type-assertions -- as in the kernel's reference.ts: the class has exactly the methods that GroupRef<S> names.
  return new Reference(calls) as unknown as GroupRef<S>;
}

/** Property that holds the calls; a symbol, so that no rpc name can clash with it. */
const callsKey: unique symbol = Symbol('calls');

class GroupTells {
  readonly [callsKey]: CallsOfGroup;

  constructor(calls: CallsOfGroup) {
    this[callsKey] = calls;
  }
}

class GroupReference extends GroupTells {
  get name(): string {
    return this[callsKey].name;
  }

  ready(options?: ReadyOptions): Promise<void> {
    return this[callsKey].ready(options);
  }

  close(): void {
    this[callsKey].close();
  }

  [Symbol.dispose](): void {
    this[callsKey].close();
  }
}

type ReferenceClass = new (calls: CallsOfGroup) => GroupReference;

const classes = new WeakMap<AnyService, ReferenceClass>();

/** A class for each service, so that a reference is one small object. */
function groupReferenceClass(service: AnyService): ReferenceClass {
  class ServiceTells extends GroupTells {}
  class ServiceReference extends GroupReference {
    get service(): AnyService {
      return service;
    }

    get whenReady(): ServiceTells {
      return new ServiceTells(this[callsKey]);
    }

    override toString(): string {
      return `${service.typeName} group ${this.name}`;
    }

    [wrapAsksKey](wrapper: AskWrapper): GroupReference {
      return new ServiceReference(new WrappedGroupCalls(this[callsKey], wrapper));
    }
  }
  for (const method of Object.values(service.methods)) {
    const call = function (this: GroupTells, message?: unknown, options?: unknown): unknown {
      return this[callsKey].call(method, message, options);
    };
    Object.defineProperty(ServiceReference.prototype, method.name, { value: call, configurable: true });
    if (method.mode !== 'tell') continue;
    const tell = function (this: GroupTells, message?: unknown, options?: WhenReadyOptions): Promise<void> {
      return this[callsKey].tellWhenReady(method, message, options);
    };
    Object.defineProperty(ServiceTells.prototype, method.name, { value: tell, configurable: true });
  }
  return ServiceReference;
}
