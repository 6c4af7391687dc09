import { MillraceError, ProtocolError } from '../../errors.js';
import { errorOf, inspectKey } from '../../foreign.js';
import type {
  AnyMethod,
  AnyService,
  AskMethod,
  Ref,
  ServiceRef,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from '../../protocol/index.js';
import type { AskOptions, SendOptions, StreamOptions } from './call.js';
import { isInfrastructure } from './infrastructure.js';
import { checkRequest } from './message-values.js';
import { type ActorParent, type ActorPath, routeName, routeParent, routePath } from './actor-path.js';
import type { ReadyOptions } from './ready-wait.js';
import { Requests, type RequestSource } from './requests.js';
import { type Route, routeKey } from './route.js';
import { FailedStream, type Stream } from './stream.js';
import type { Interceptor } from './interceptor.js';
import { tellWhenReady, type WhenReady, type WhenReadyOptions } from './when-ready.js';

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

/**
 * The arguments of a call. A message without fields, such as google.protobuf.Empty, may be left out: `ref.total()`. Options are the second
 * argument there, too: `ref.total({}, { timeoutMs: 100 })`.
 */
export type CallArguments<Init, Options> = [keyof Init] extends [never]
  ? [message?: (Init & None<Options>) | undefined, options?: Options]
  : [message: Init, options?: Options];

/** Options in the place of the message. The compiler accepts any object as a message without fields, and they would be ignored. */
type None<Options> = { readonly [K in keyof Options]?: never };

/** The method of a reference for one rpc. */
export type CallOf<M> = M extends StreamsRequests ? StreamingCallOf<M> : SendingCallOf<M>;

/** For an rpc whose requests are a stream. */
type StreamingCallOf<M> =
  M extends AskMethod<infer _Request, infer RequestInit, infer Response, infer _ResponseInit>
    ? (requests: RequestSource<RequestInit>, options?: AskOptions) => Promise<Response>
    : M extends StreamMethod<infer _Request, infer RequestInit, infer Response, infer _ResponseInit>
      ? (requests: RequestSource<RequestInit>, options?: StreamOptions) => Stream<Response>
      : never;

type SendingCallOf<M> =
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
 * reply or rejects with a MillraceError. A stream is opened when it is first iterated. An rpc that streams its requests takes an iterable of
 * them, or an async iterable: see RequestSource.
 */
export type ActorRef<S extends AnyService> = { toRef(): ServiceRef<S> } & UntypedRef & {
    readonly [K in keyof S['methods']]: CallOf<S['methods'][K]>;
  } & {
    /**
     * The tells of the service, each of which waits for room first. It resolves when the message was accepted, and rejects as `ready()` does, and
     * as the tell throws. Options are those of both: `timeoutMs`, `signal`, `meta`.
     *
     *     for (const trade of trades) await ref.whenReady.observe(trade, { timeoutMs: 1_000 });
     */
    readonly whenReady: WhenReady<S>;
  };

/** A call of one rpc of a reference. */
export type ReferenceCall = (ref: Reference, message: unknown, options: StreamOptions | undefined) => unknown;

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
  readonly #interceptor: Interceptor | undefined;

  /** `system` is the property `system` of references. With an `interceptor`, references report their calls to it. */
  constructor(system: { readonly name: string }, interceptor?: Interceptor) {
    this.#system = system;
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
      made = referenceClass(service, this.#system, this.#interceptor);
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

export abstract class Reference implements UntypedRef {
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
  readonly [referenceKey]: Reference;

  constructor(ref: Reference) {
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

type Call = (this: Reference, message: unknown, options?: StreamOptions) => unknown;

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
