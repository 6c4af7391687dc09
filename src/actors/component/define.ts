import { ConfigError } from '../../errors.js';
import { hasMark, shownValue } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type {
  AnyMethod,
  AnyService,
  AskMethod,
  Meta,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from '../../protocol/index.js';
import { accepted, checkOptions } from '../../options/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { isService, type RequestOf } from '../kernel/index.js';
import { type Component, component } from '../runtime/index.js';
import { containerBehavior } from './container.js';
import { isOfContainers, withControl } from './control-service.js';
import type { DirectCalls } from './direct.js';
import { type ComponentHooks, type ComponentManifest, MANIFEST, type Manifest, manifestOf } from './manifest.js';
import type { ContainerArgs } from './plugins/index.js';

/** What a handler is given besides its environment and its request. */
export interface ComponentCall {
  /** Adds the path of the container to every record. */
  readonly log: Logger;
  /** Time and random numbers, which may be virtual. */
  readonly scheduler: Scheduler;
  /** The meta of the request, which direct calls share. */
  readonly meta: Meta | undefined;
  /**
   * The rpcs of a component that this one `uses`, as functions in the same container. Throws ConfigError for any other component.
   *
   *     const { cents } = call.direct(prices).quote({ sku });
   */
  direct<S extends AnyService, H>(component: ContainedComponent<S, H>): DirectCalls<S, H>;
}

type ComponentResult<M> =
  M extends TellMethod<infer _Request, infer _Init>
    ? void | PromiseLike<void>
    : M extends AskMethod<infer _Request, infer _Init, infer _Response, infer ResponseInit>
      ? ResponseInit | PromiseLike<ResponseInit>
      : M extends StreamMethod<infer _Request, infer _Init, infer _Response, infer ResponseInit>
        ? AsyncIterable<ResponseInit>
        : never;

/** One handler for each rpc: its result is the reply. */
export type ComponentHandlers<S extends AnyService, Environment> = {
  readonly [K in keyof S['methods']]: S['methods'][K] extends StreamsRequests
    ? never
    : (
        environment: Environment,
        request: RequestOf<S['methods'][K]>,
        call: ComponentCall,
      ) => ComponentResult<S['methods'][K]>;
};

export interface ComponentDefinition<S extends AnyService, Environment, H extends ComponentHandlers<S, Environment>>
  extends ComponentManifest<Environment> {
  readonly handlers: H & ComponentHandlers<S, Environment>;
  /** Components that each container of this one hosts too, for direct calls. Each container has its own environments of them. */
  readonly uses?: readonly AnyContained[];
}

/** Typed through a method signature, whose parameters are bivariant. */
export type ContainedHandler = { call(environment: unknown, request: unknown, call: ComponentCall): unknown }['call'];

/** What a component has besides its actor. */
interface Contained {
  readonly manifest: Manifest;
  readonly hooks: ComponentHooks<unknown>;
  readonly uses: readonly AnyContained[];
  handlerFor(method: string): ContainedHandler | undefined;
}

/** A component whatever its service is. */
export interface AnyContained extends Component<AnyService, ContainerArgs>, Contained {}

/** A component that containers host. Created by `defineComponent`. `runtime.place` starts one container of it. */
export interface ContainedComponent<S extends AnyService, H> extends Component<S, ContainerArgs>, Contained {
  readonly handlers: H;
}

/** Property of every contained component, whichever copy of Millrace created it. */
const BRAND: unique symbol = Symbol.for('millrace.contained-component');

/**
 * Declares a component for containers. `url` is the module that exports it: `import.meta.url`, or `__filename` in CommonJS. A container handles
 * one request at a time, in the order of their arrival, and keeps what `created` has returned between them. Throws ConfigError for a wrong
 * declaration.
 *
 *     export const stock = defineComponent('stock', import.meta.url, Stock, {
 *       created: () => new Map<string, number>(),
 *       handlers: {
 *         add: (shelf, { sku, count }) => void shelf.set(sku, (shelf.get(sku) ?? 0) + count),
 *         count: (shelf, { sku }) => ({ count: shelf.get(sku) ?? 0 }),
 *       },
 *     });
 */
export function defineComponent<S extends AnyService, Environment, H extends ComponentHandlers<S, Environment>>(
  name: string,
  url: string | undefined,
  service: S,
  definition: ComponentDefinition<S, Environment, H>,
): ContainedComponent<S, H>;
export function defineComponent(
  name: string,
  url: string | undefined,
  service: AnyService,
  definition: UntypedDefinition,
): ContainedComponent<AnyService, unknown> {
  const of = `component "${String(name)}"`;
  const contained = checked(of, service, definition);
  return made(name, url, service, { ...contained, manifest: manifestOf(of, definition) });
}

/** The same component, each of whose requests is handled through `around`, which returns what `handle` does. */
export function handledThrough(
  component: AnyContained,
  around: (method: string, meta: Meta | undefined, handle: () => unknown) => unknown,
): AnyContained {
  const { name, url, service, manifest, hooks, uses } = component;
  const handlers = Object.keys(service.methods).flatMap((method): [string, ContainedHandler][] => {
    const handler = component.handlerFor(method);
    if (handler === undefined) return [];
    return [[method, (kept, request, call) => around(method, call.meta, () => handler(kept, request, call))]];
  });
  const own = Object.fromEntries(Object.entries(service.methods).filter(([method]) => !isOfContainers(method)));
  const given = { manifest, hooks, uses, handlers: Object.fromEntries(handlers) };
  return made(name, url, { ...service, methods: own }, given);
}

function made(
  name: string,
  url: string | undefined,
  service: AnyService,
  { manifest, hooks, uses, handlers }: Checked & { readonly manifest: Manifest },
): ContainedComponent<AnyService, unknown> {
  const placed = component<AnyService, ContainerArgs>(
    name,
    url,
    withControl(service),
    (args: ContainerArgs) => containerBehavior(contained, args),
    {
      version: manifest.version,
    },
  );
  const contained: ContainedComponent<AnyService, unknown> = Object.defineProperty(
    Object.assign(placed, { manifest, hooks, uses, handlers, handlerFor: (method: string) => handlers[method] }),
    BRAND,
    { value: true },
  );
  return contained;
}

export function isContained(value: unknown): value is AnyContained {
  return hasMark(value, BRAND);
}

type UntypedDefinition = ComponentManifest<never> & {
  readonly handlers: Readonly<Record<string, ContainedHandler>>;
  readonly uses?: readonly AnyContained[];
};

interface Checked {
  readonly hooks: ComponentHooks<unknown>;
  readonly uses: readonly AnyContained[];
  readonly handlers: Readonly<Record<string, ContainedHandler>>;
}

function checked(of: string, service: AnyService, definition: UntypedDefinition): Checked {
  if (!isService(service)) {
    throw new ConfigError(
      `${of} needs a service of a module that millrace gen made: defineComponent(name, import.meta.url, Service, { handlers }), not ${shownValue(service)}.`,
    );
  }
  if (definition?.handlers === undefined) {
    throw new ConfigError(`${of} needs handlers, an object with a function for each rpc of ${service.typeName}.`);
  }
  checkOptions(of, definition, { ...MANIFEST, handlers: accepted.object, uses: accepted.object });
  const { handlers, uses = [] } = definition;
  const list: unknown = uses;
  if (!Array.isArray(list)) throw new ConfigError(`uses of ${of} must be an array, not ${shownValue(list)}.`);
  checkOptions(`handlers of ${of}`, handlers, callbacksOf(service));
  for (const method of Object.values(service.methods)) checkMethod(of, method, handlers);
  const other: unknown = uses.find((each) => !isContained(each));
  if (other !== undefined) {
    throw new ConfigError(`uses of ${of} must be components of defineComponent, and has ${shownValue(other)}.`);
  }
  return { hooks: definition, uses, handlers };
}

function callbacksOf({ methods }: AnyService): Record<string, typeof accepted.callback> {
  return Object.fromEntries(Object.keys(methods).map((name) => [name, accepted.callback]));
}

function checkMethod(of: string, method: AnyMethod, handlers: object): void {
  if (method.streamsRequests === true) {
    throw new ConfigError(
      `${of} cannot have ${method.fullName}, which streams its requests: send one message at a time.`,
    );
  }
  if (!(method.name in handlers)) throw new ConfigError(`${of} has no handler ${method.name}.`);
}

/** Whether a component is called so: by its own name, that of its service, or the full name of an rpc. */
export function isOfComponent({ name, service }: AnyContained, what: string): boolean {
  return name === what || isOfService(service, what);
}

export function isOfService({ typeName, methods }: AnyService, what: string): boolean {
  return typeName === what || Object.values(methods).some(({ fullName }) => fullName === what);
}
