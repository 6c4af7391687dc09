import { MillraceError, ProtocolError } from '../../errors.js';
import type { AnyMethod, AnyService, AskMethod, Ref, StreamMethod, TellMethod } from '../../protocol/index.js';
import type { AskOptions, SendOptions, StreamOptions } from './call.js';
import { type NactParent, type NactPath, nactName, nactParent, nactPath } from './nact.js';
import { type Route, routeKey } from './route.js';
import { FailedStream, type Stream } from './stream.js';
import type { Tap } from './tap.js';

/** A reference whose protocol is not known to the compiler. nact's `dispatch`, `query` and `stop` take it, too. */
export interface UntypedRef {
  readonly [routeKey]: Route;
  readonly service: AnyService;
  /** Resolves when a tell would be accepted below the mark; rejects with StoppedError or UnreachableError. */
  ready(): Promise<void>;
  /** The wire record, for use in messages; a local actor takes a channel id on first use. */
  toRef(): Ref;
  /** The service and the path, for people. */
  toString(): string;
  readonly type: 'actor';
  readonly name: string;
  readonly path: NactPath;
  readonly parent: NactParent | undefined;
  readonly system: { readonly name: string };
}

/** How a reference's user calls one rpc. */
export type CallOf<M> =
  M extends TellMethod<infer _Request, infer RequestInit>
    ? (message: RequestInit, options?: SendOptions) => boolean
    : M extends AskMethod<infer _Request, infer RequestInit, infer Response, infer _ResponseInit>
      ? (message: RequestInit, options?: AskOptions) => Promise<Response>
      : M extends StreamMethod<infer _Request, infer RequestInit, infer Response, infer _ResponseInit>
        ? (message: RequestInit, options?: StreamOptions) => Stream<Response>
        : never;

/**
 * A typed reference: a method for each rpc. A tell returns `true`, or `false` when it was accepted past the mark (`await
 * ref.ready()`) or the actor has stopped (a dead letter), and throws BackpressureError at the bound; an ask resolves with the
 * reply or rejects with a MillraceError; a stream is iterated, and opened by that.
 */
export type ActorRef<S extends AnyService> = UntypedRef & {
  readonly [K in keyof S['methods']]: CallOf<S['methods'][K]>;
};

/** Names that no rpc can have, because references have them (`then` would make one awaitable). */
export const reservedNames: readonly string[] = [
  'constructor',
  'name',
  'parent',
  'path',
  'ready',
  'service',
  'system',
  'then',
  'toRef',
  'toString',
  'type',
];

/** Makes references; the prototype with a method for each rpc is built once for each service. */
export class References {
  private readonly classes = new WeakMap<AnyService, new (route: Route) => UntypedRef>();
  private readonly systemName: string;
  private readonly tap: Tap | undefined;

  /** `systemName` is the one that nact knows. With a `tap`, references tell it what they send. */
  constructor(systemName: string, tap?: Tap) {
    this.systemName = systemName;
    this.tap = tap;
  }

  create<S extends AnyService>(service: S, route: Route): ActorRef<S> {
    let made = this.classes.get(service);
    if (made === undefined) {
      made = referenceClass(service, this.systemName, this.tap);
      this.classes.set(service, made);
    }
    // oxlint-disable-next-line typescript/consistent-type-assertions -- the one cast of the kernel: referenceClass defines exactly the methods that ActorRef<S> names.
    return new made(route) as ActorRef<S>;
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
    return nactName(this[routeKey]);
  }

  get path(): NactPath {
    return nactPath(this[routeKey], this.system.name);
  }

  get parent(): NactParent | undefined {
    return nactParent(this[routeKey], this.system.name);
  }

  ready(): Promise<void> {
    return this[routeKey].ready();
  }

  toRef(): Ref {
    return { cUid: this[routeKey].cUid, service: this.service.typeName };
  }

  toString(): string {
    return `${this.service.typeName} ${this.path.toString()}`;
  }
}

function referenceClass(
  service: AnyService,
  systemName: string,
  tap: Tap | undefined,
): new (
  route: Route,
) => UntypedRef {
  const system = { name: systemName };
  class ServiceReference extends Reference {
    override get service(): AnyService {
      return service;
    }

    override get system(): { readonly name: string } {
      return system;
    }
  }
  for (const [name, method] of Object.entries(service.methods)) {
    const call = callOf(method);
    Object.defineProperty(ServiceReference.prototype, name, {
      value: tap === undefined ? call : tapped(call, method, tap),
    });
  }
  return ServiceReference;
}

type Call = (this: Reference, message: unknown, options?: StreamOptions) => unknown;

function tapped(call: Call, method: AnyMethod, tap: Tap): Call {
  return function (message, options) {
    const result = call.call(this, message, options);
    if (result instanceof Promise) tap.asked(this, method, message, result);
    else if (isStream(result)) return tap.streamed(this, method, message, result);
    else tap.told(this, method, message);
    return result;
  };
}

function isStream(result: unknown): result is Stream<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

function callOf(method: AnyMethod): Call {
  const { request, mode } = method;
  switch (mode) {
    case 'tell':
      return function (message, options) {
        return this[routeKey].tell(method, request.create(message), options);
      };
    case 'ask':
      return function (message, options) {
        let filled: unknown;
        try {
          filled = request.create(message);
        } catch (cause) {
          return Promise.reject(new ProtocolError(`${method.fullName} cannot be asked with this message`, { cause }));
        }
        return this[routeKey].ask(method, filled, options);
      };
    case 'stream':
      return function (message, options) {
        try {
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
