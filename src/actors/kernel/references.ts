import { MillraceError, ProtocolError } from '../../errors.js';
import { errorOf, inspectKey } from '../../foreign.js';
import type { AnyMethod, AnyService, Ref } from '../../protocol/index.js';
import { routeName, routeParent, routePath } from './actor-node.js';
import type { ActorPath } from './actor-path.js';
import type { StreamOptions } from './call.js';
import { isInfrastructure } from './infrastructure.js';
import type { Interceptor } from './interceptor.js';
import { checkRequest } from './message-values.js';
import type { ReadyOptions } from './ready-wait.js';
import type { ActorRef, ReferenceCall, WhenReadyOptions } from './reference.js';
import { Requests } from './requests.js';
import { type Route, routeKey } from './route.js';
import { FailedStream, type Stream } from './stream.js';
import type { ActorParent, UntypedRef } from './untyped-ref.js';
import { tellWhenReady } from './when-ready.js';
import { type AskWrapper, type CallServices, WrappedRoute, wrapAsksKey } from './wrapped-asks.js';

/** Returns a wrapper of `call`. */
export type CallWrapper = (method: AnyMethod, call: ReferenceCall) => ReferenceCall;

interface ReferenceClass {
  new (route: Route): UntypedRef;
  readonly prototype: object;
  /** Prototype of `whenReady`. */
  readonly waiting: object;
}

/** Creates references. Builds the prototype, with a method for each rpc, once for each service. */
export class References {
  readonly #classes = new WeakMap<AnyService, ReferenceClass>();
  /** The prototypes of users' services. */
  readonly #made: { readonly service: AnyService; readonly made: ReferenceClass }[] = [];
  readonly #wrappers: CallWrapper[] = [];
  readonly #system: { readonly name: string };
  readonly #services: CallServices | undefined;
  readonly #interceptor: Interceptor | undefined;

  /**
   * `system` is the property `system` of references. Without `services`, asks are never wrapped: their results are recorded ones. With an
   * `interceptor`, references report their calls to it.
   */
  constructor(system: { readonly name: string }, services: CallServices | undefined, interceptor?: Interceptor) {
    this.#system = system;
    this.#services = services;
    this.#interceptor = interceptor;
  }

  /** Wraps every call of an rpc from now on, except those of the runtime itself. Costs nothing before it is called. */
  wrapCalls(wrapper: CallWrapper): void {
    this.#wrappers.push(wrapper);
    for (const { service, made } of this.#made) this.#defineWrapped(service, made);
  }

  create<S extends AnyService>(service: S, route: Route): ActorRef<S> {
    let made = this.#classes.get(service);
    if (made === undefined) {
      made = referenceClass(service, this.#system, this.#services, this.#interceptor);
      this.#classes.set(service, made);
      if (!isInfrastructure(service.typeName)) {
        this.#made.push({ service, made });
        if (this.#wrappers.length > 0) this.#defineWrapped(service, made);
      }
    }
    // oxlint-disable-next-line typescript/consistent-type-assertions -- the one cast of the kernel: referenceClass defines exactly the methods that ActorRef<S> names.
    return new made(route) as ActorRef<S>;
  }

  #defineWrapped(service: AnyService, made: ReferenceClass): void {
    for (const [name, method] of Object.entries(service.methods)) {
      const plain = callFor(method, this.#interceptor);
      const direct: ReferenceCall = (ref, message, options) => plain.call(ref, message, options);
      const call = this.#wrappers.reduce((inner, wrap) => wrap(method, inner), direct);
      defineCall(made, name, method, function (message, options) {
        return call(this, message, options);
      });
    }
  }
}

abstract class Reference implements UntypedRef {
  readonly [routeKey]: Route;
  abstract readonly service: AnyService;
  abstract [wrapAsksKey](wrapper: AskWrapper): UntypedRef;
  abstract readonly system: { readonly name: string };

  constructor(route: Route) {
    this[routeKey] = route;
  }

  get type(): 'actor' {
    return 'actor';
  }

  get name(): string {
    return routeName(this[routeKey]);
  }

  get path(): ActorPath {
    return routePath(this[routeKey], this.system.name);
  }

  get parent(): ActorParent | undefined {
    return routeParent(this[routeKey]);
  }

  ready(options?: ReadyOptions): Promise<void> {
    return this[routeKey].ready(options);
  }

  toRef(): Ref {
    const { cUid, incarnation } = this[routeKey];
    return { cUid, service: this.service.typeName, incarnation };
  }

  toString(): string {
    return `${this.service.typeName} ${this.path.toString()}`;
  }

  toJSON(): { readonly service: string; readonly path: string } {
    return { service: this.service.typeName, path: this.path.toString() };
  }

  [inspectKey](): string {
    return `ActorRef<${this.toString()}>`;
  }
}

function referenceClass(
  service: AnyService,
  system: { readonly name: string },
  services: CallServices | undefined,
  interceptor: Interceptor | undefined,
): ReferenceClass {
  class ServiceTells extends WaitingTells {}
  class ServiceReference extends Reference {
    static readonly waiting = ServiceTells.prototype;

    get whenReady(): WaitingTells {
      return new ServiceTells(this);
    }

    override get service(): AnyService {
      return service;
    }

    override get system(): { readonly name: string } {
      return system;
    }

    [wrapAsksKey](wrapper: AskWrapper): UntypedRef {
      if (services === undefined) return this;
      return new ServiceReference(new WrappedRoute(this[routeKey], this.toString(), wrapper, services));
    }
  }
  for (const [name, method] of Object.entries(service.methods)) {
    defineCall(ServiceReference, name, method, callFor(method, interceptor));
  }
  return ServiceReference;
}

/** Property of `whenReady` that holds its reference; a symbol, so that no rpc name can clash with it. */
const referenceKey: unique symbol = Symbol('reference');

/** `whenReady` of a reference. */
class WaitingTells {
  readonly [referenceKey]: UntypedRef;

  constructor(ref: UntypedRef) {
    this[referenceKey] = ref;
  }
}

/** Defines the method of an rpc, and that of `whenReady` for a tell. */
function defineCall({ prototype, waiting }: ReferenceClass, name: string, method: AnyMethod, call: Call): void {
  Object.defineProperty(prototype, name, { value: call, configurable: true });
  if (method.mode !== 'tell') return;
  const tell: ReferenceCall = (ref, message, options) => call.call(ref, message, options);
  const value = function (this: WaitingTells, message: unknown, options?: WhenReadyOptions): Promise<void> {
    return tellWhenReady(this[referenceKey], method, tell, message, options);
  };
  Object.defineProperty(waiting, name, { value, configurable: true });
}

/** The request that is left out. */
const EMPTY: object = Object.freeze({});

type Call = (this: UntypedRef, message: unknown, options?: StreamOptions) => unknown;

function intercepted(call: Call, method: AnyMethod, interceptor: Interceptor): Call {
  return function (message, options) {
    const sent = method.streamsRequests === true ? interceptor.onRequests(this, method, message) : message;
    const result = call.call(this, sent, options);
    if (result instanceof Promise) interceptor.onAsk(this, method, sent, result);
    else if (isStream(result)) return interceptor.onStream(this, method, sent, result);
    else interceptor.onTell(this, method, sent);
    return result;
  };
}

function isStream(result: unknown): result is Stream<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

function callFor(method: AnyMethod, interceptor: Interceptor | undefined): ReturnType<typeof callOf> {
  const call = callOf(method);
  return interceptor === undefined ? call : intercepted(call, method, interceptor);
}

function callOf(method: AnyMethod): Call {
  const { request, mode } = method;
  if (method.streamsRequests === true) return mode === 'stream' ? bidiStreamCall(method) : clientStreamCall(method);
  switch (mode) {
    case 'tell':
      if (request.borrows === true) return lendingTell(method);
      return function (message, options) {
        checkRequest(method, message);
        const route = this[routeKey];
        return route.tell(method, route.encodes === true ? (message ?? EMPTY) : request.create(message), options);
      };
    case 'ask':
      return function (message, options) {
        const route = this[routeKey];
        let given: unknown;
        try {
          checkRequest(method, message);
          given = route.encodes === true ? (message ?? EMPTY) : request.create(message);
        } catch (cause) {
          if (cause instanceof MillraceError) return Promise.reject(cause);
          return Promise.reject(new ProtocolError(`${method.fullName} cannot be asked with this message`, { cause }));
        }
        return route.ask(method, given, options);
      };
    case 'stream':
      return function (message, options) {
        try {
          checkRequest(method, message);
          return this[routeKey].stream(method, request.create(message), options);
        } catch (cause) {
          return new FailedStream(
            cause instanceof MillraceError
              ? cause
              : new ProtocolError(`${method.fullName} cannot be opened with this message`, { cause }),
          );
        }
      };
  }
}

function lendingTell(method: AnyMethod): Call {
  return function (message, options) {
    checkRequest(method, message);
    const route = this[routeKey];
    const filled = method.request.create(message);
    if (route.tellLent === undefined) return route.tell(method, filled, options);
    return route.tellLent(method, filled, options);
  };
}

/** Nothing is taken from the source before the actor reads. */
function clientStreamCall(method: AnyMethod): Call {
  return function (source, options) {
    try {
      const requests = new Requests(method, source);
      return requests.replyOf(this[routeKey].ask(method, requests, options));
    } catch (cause) {
      return Promise.reject(errorOf(cause));
    }
  };
}

function bidiStreamCall(method: AnyMethod): Call {
  return function (source, options) {
    try {
      return this[routeKey].stream(method, new Requests(method, source), options);
    } catch (cause) {
      return new FailedStream(errorOf(cause));
    }
  };
}
