import { MillraceError, ProtocolError } from '../../errors.js';
import { inspectKey } from '../../foreign.js';
import type {
  AnyMethod,
  AnyService,
  AskMethod,
  Ref,
  ServiceRef,
  StreamMethod,
  TellMethod,
} from '../../protocol/index.js';
import type { AskOptions, SendOptions, StreamOptions } from './call.js';
import { isInfrastructure } from './infrastructure.js';
import { checkRequest } from './message-values.js';
import { type ActorParent, type ActorPath, routeName, routeParent, routePath } from './actor-path.js';
import type { ReadyOptions } from './ready-wait.js';
import { type Route, routeKey } from './route.js';
import { FailedStream, type Stream } from './stream.js';
import type { Interceptor } from './interceptor.js';

/** A reference whose service the compiler does not know. nact's `dispatch`, `query` and `stop` accept it too. */
export interface UntypedRef {
  readonly [routeKey]: Route;
  readonly service: AnyService;
  /**
   * Resolves when a tell would be accepted below the high-water mark. Rejects with BackpressureError at the deadline (`timeoutMs`), or without
   * one when the actor has handled no message for 60 s, AskAbortedError when `signal` is aborted, StoppedError or UnreachableError when the actor or the link to
   * it ends, ReentrantAskError when a handler calls it for its own actor, or for one that waits for its reply, and the mailbox is full,
   * ConfigError for a wrong option.
   *
   *     if (!ref.observe(trade)) await ref.ready({ timeoutMs: 1_000 });
   */
  ready(options?: ReadyOptions): Promise<void>;
  /** The wire record, for use in messages; a local actor gets a channel id on first use. */
  toRef(): Ref;
  /** The service and the path, for logs and messages. */
  toString(): string;
  /** The service and the path. A reference cannot be made from them again: send `toRef()` in a message instead. */
  toJSON(): { readonly service: string; readonly path: string };
  readonly type: 'actor';
  readonly name: string;
  readonly path: ActorPath;
  readonly parent: ActorParent | undefined;
  readonly system: { readonly name: string };
}

/** The arguments of a call. A message without fields, such as google.protobuf.Empty, may be left out. */
type CallArguments<Init, Options> = [keyof Init] extends [never]
  ? [message?: Init, options?: Options]
  : [message: Init, options?: Options];

/** The method of a reference for one rpc. */
export type CallOf<M> =
  M extends TellMethod<infer _Request, infer RequestInit>
    ? (...given: CallArguments<RequestInit, SendOptions>) => boolean
    : M extends AskMethod<infer _Request, infer RequestInit, infer Response, infer _ResponseInit>
      ? (...given: CallArguments<RequestInit, AskOptions>) => Promise<Response>
      : M extends StreamMethod<infer _Request, infer RequestInit, infer Response, infer _ResponseInit>
        ? (...given: CallArguments<RequestInit, StreamOptions>) => Stream<Response>
        : never;

/**
 * A typed reference with a method for each rpc. A tell returns `true`, or `false` when it was accepted past the high-water mark (`await
 * ref.ready()`) or became a dead letter because the actor has stopped; it throws BackpressureError at the bound. An ask resolves with the
 * reply or rejects with a MillraceError. A stream is opened when it is first iterated.
 */
export type ActorRef<S extends AnyService> = { toRef(): ServiceRef<S> } & UntypedRef & {
    readonly [K in keyof S['methods']]: CallOf<S['methods'][K]>;
  };

/** A call of one rpc of a reference. */
export type ReferenceCall = (ref: Reference, message: unknown, options: StreamOptions | undefined) => unknown;

/** Returns a wrapper of `call`. */
export type CallWrapper = (method: AnyMethod, call: ReferenceCall) => ReferenceCall;

interface ReferenceClass {
  new (route: Route): UntypedRef;
  readonly prototype: object;
}

/** Creates references. Builds the prototype, with a method for each rpc, once for each service. */
export class References {
  private readonly classes = new WeakMap<AnyService, ReferenceClass>();
  /** The prototypes of users' services. */
  private readonly made: { readonly service: AnyService; readonly prototype: object }[] = [];
  private readonly wrappers: CallWrapper[] = [];
  private readonly system: { readonly name: string };
  private readonly interceptor: Interceptor | undefined;

  /** `system` is the property `system` of references. With an `interceptor`, references report their calls to it. */
  constructor(system: { readonly name: string }, interceptor?: Interceptor) {
    this.system = system;
    this.interceptor = interceptor;
  }

  /** Wraps every call of an rpc from now on, except those of the runtime itself. Costs nothing before it is called. */
  wrapCalls(wrapper: CallWrapper): void {
    this.wrappers.push(wrapper);
    for (const { service, prototype } of this.made) this.defineWrapped(service, prototype);
  }

  create<S extends AnyService>(service: S, route: Route): ActorRef<S> {
    let made = this.classes.get(service);
    if (made === undefined) {
      made = referenceClass(service, this.system, this.interceptor);
      this.classes.set(service, made);
      if (!isInfrastructure(service.typeName)) {
        const { prototype } = made;
        this.made.push({ service, prototype });
        if (this.wrappers.length > 0) this.defineWrapped(service, prototype);
      }
    }
    // oxlint-disable-next-line typescript/consistent-type-assertions -- the one cast of the kernel: referenceClass defines exactly the methods that ActorRef<S> names.
    return new made(route) as ActorRef<S>;
  }

  private defineWrapped(service: AnyService, prototype: object): void {
    for (const [name, method] of Object.entries(service.methods)) {
      const plain = callFor(method, this.interceptor);
      const direct: ReferenceCall = (ref, message, options) => plain.call(ref, message, options);
      const call = this.wrappers.reduce((inner, wrap) => wrap(method, inner), direct);
      const value = function (this: Reference, message: unknown, options?: StreamOptions): unknown {
        return call(this, message, options);
      };
      Object.defineProperty(prototype, name, { value, configurable: true });
    }
  }
}

abstract class Reference implements UntypedRef {
  readonly [routeKey]: Route;
  abstract readonly service: AnyService;
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
    return routeParent(this[routeKey], this.system.name);
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
  interceptor: Interceptor | undefined,
): ReferenceClass {
  class ServiceReference extends Reference {
    override get service(): AnyService {
      return service;
    }

    override get system(): { readonly name: string } {
      return system;
    }
  }
  for (const [name, method] of Object.entries(service.methods)) {
    Object.defineProperty(ServiceReference.prototype, name, {
      value: callFor(method, interceptor),
      configurable: true,
    });
  }
  return ServiceReference;
}

type Call = (this: Reference, message: unknown, options?: StreamOptions) => unknown;

function intercepted(call: Call, method: AnyMethod, interceptor: Interceptor): Call {
  return function (message, options) {
    const result = call.call(this, message, options);
    if (result instanceof Promise) interceptor.onAsk(this, method, message, result);
    else if (isStream(result)) return interceptor.onStream(this, method, message, result);
    else interceptor.onTell(this, method, message);
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
  switch (mode) {
    case 'tell':
      return function (message, options) {
        checkRequest(method, message);
        return this[routeKey].tell(method, request.create(message), options);
      };
    case 'ask':
      return function (message, options) {
        let filled: unknown;
        try {
          checkRequest(method, message);
          filled = request.create(message);
        } catch (cause) {
          if (cause instanceof MillraceError) return Promise.reject(cause);
          return Promise.reject(new ProtocolError(`${method.fullName} cannot be asked with this message`, { cause }));
        }
        return this[routeKey].ask(method, filled, options);
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
