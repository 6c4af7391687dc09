import { ConfigError, HandlerError, ProtocolError } from '../../../errors.js';
import { anyCodeOf, hasMark, isError, messageOf, namedMessageOf, shownValue } from '../../../foreign.js';
import { type AnyService, decode, encode, type MessageType, v1 } from '../../../protocol/index.js';
import { messageHash } from '../../control-plane/index.js';
import { type Behavior, isBehavior, isService } from '../../kernel/index.js';
import { accepted, checkOptions } from '../../../options/index.js';
import { encodeArgs } from '../args.js';
import { moduleUrl } from '../pipeline.js';

export interface ComponentOptions {
  /**
   * `restart`: when the partition or process of a placed actor ends, the actor is placed again elsewhere. `fail` (default): it is lost, which is
   * one of `runtime.failures`.
   */
  readonly onFailure?: 'fail' | 'restart';
  /** Any text. Two processes place actors at each other only where both have the same version. Default: none. */
  readonly version?: string;
}

/** An actor whose code travels by URL. Created by `component`, and placed by `runtime.place`. */
export interface Component<S extends AnyService = AnyService, Args = unknown> {
  readonly name: string;
  readonly service: S;
  /** URL of the module that exports it; undefined: it is placed only in the partition that declares it. */
  readonly url: string | undefined;
  readonly onFailure: 'fail' | 'restart';
  /** What is compared between the process that places it and the partition where it runs. */
  readonly definition: v1.ComponentDefinition;
  /** A method, whose parameters are bivariant: a component of any arguments is a `Component`. Throws ConfigError or ProtocolError. */
  encodeArgs(args: Args): Uint8Array;
  /** Calls the factory. Throws ProtocolError for arguments that cannot be decoded, HandlerError when the factory throws. */
  behaviorFor(args: Uint8Array): Behavior<S, unknown>;
}

/** Property of every component, whichever copy of Millrace created it. */
const BRAND: unique symbol = Symbol.for('millrace.component');

interface Codec<Read, Args> {
  readonly typeName: string;
  encode(args: Args): Uint8Array;
  decode(bytes: Uint8Array): Read;
}

/**
 * Declares an actor that `runtime.place` starts in any partition: on a thread, in a process, on another node. `url` is the module that exports
 * the component, under any name: `import.meta.url`, or `__filename` in CommonJS. The factory is called where the actor runs, with the
 * arguments of `place`: values of JSON, or, with the option `args`, a message of that type. Throws ConfigError for a wrong declaration.
 *
 *     export const resizer = component('resizer', import.meta.url, Resizer, (args: { quality: number }) =>
 *       behavior(Resizer, { resize: (_state, { image }) => ({ image: resized(image, args.quality) }) }),
 *     );
 *
 *     const ref = await runtime.place(resizer, { args: { quality: 80 }, on: 'threads' });
 */
export function component<S extends AnyService, Read, Init>(
  name: string,
  url: string | undefined,
  service: S,
  factory: (args: Read) => Behavior<S, unknown>,
  options: ComponentOptions & { readonly args: MessageType<Read, Init> },
): Component<S, Init>;
export function component<S extends AnyService, Args = Record<string, never>>(
  name: string,
  url: string | undefined,
  service: S,
  factory: (args: Args) => Behavior<S, unknown>,
  options?: ComponentOptions & { readonly args?: undefined },
): Component<S, Args>;
export function component<S extends AnyService>(
  name: string,
  url: string | undefined,
  service: S,
  factory: (args: unknown) => Behavior<S, unknown>,
  options: ComponentOptions & { readonly args?: MessageType<unknown, unknown> | undefined } = {},
): Component<S> {
  checkDeclaration(name, service, factory, options);
  const { onFailure = 'fail', version = '', args: type } = options;
  const codec = type === undefined ? jsonCodec(name) : codecOf(type);
  const made: Component<S> = {
    name,
    service,
    url: moduleUrl(url),
    onFailure,
    definition: v1.ComponentDefinition.create({
      name,
      url: moduleUrl(url) ?? '',
      service: service.typeName,
      methods: methodsOf(service),
      args: codec.typeName,
      version,
    }),
    encodeArgs: (args) => codec.encode(args),
    behaviorFor: (bytes) => {
      const behavior = called(name, factory, decoded(name, codec, bytes));
      if (isBehavior(behavior) && behavior.service.typeName === service.typeName) return behavior;
      throw new ConfigError(
        `The factory of component "${name}" must return behavior(${service.typeName}, { ... }), not ${shownValue(behavior)}.`,
      );
    },
  };
  Object.defineProperty(made, BRAND, { value: true });
  return made;
}

export function isComponent(value: unknown): value is Component {
  return hasMark(value, BRAND);
}

export function componentHash({ definition }: Pick<Component, 'definition'>): string {
  return messageHash(v1.ComponentDefinition, definition);
}

function jsonCodec(name: string): Codec<unknown, unknown> {
  return {
    typeName: '',
    encode: (args) => new TextEncoder().encode(encodeArgs(`component "${name}"`, args)),
    decode: (bytes) => {
      const args: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      return args;
    },
  };
}

function codecOf(type: MessageType<unknown, unknown>): Codec<unknown, unknown> {
  return {
    typeName: type.typeName,
    encode: (args) => encode(type, type.create(args ?? {})),
    decode: (bytes) => decode(type, bytes),
  };
}

function decoded<Read>(name: string, codec: Codec<Read, never>, bytes: Uint8Array): Read {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    throw new ProtocolError(`The arguments of component "${name}" cannot be decoded: ${messageOf(cause)}`, { cause });
  }
}

function called<Args, Made>(name: string, factory: (args: Args) => Made, args: Args): Made {
  try {
    return factory(args);
  } catch (cause) {
    throw thrownBy(`The factory of component "${name}"`, cause);
  }
}

/** What code of a user has thrown, for the process that places it. */
export function thrownBy(what: string, cause: unknown): HandlerError {
  return new HandlerError(`${what} threw ${namedMessageOf(cause)}`, {
    handlerName: isError(cause) ? cause.name : undefined,
    handlerCode: anyCodeOf(cause),
    cause,
  });
}

function methodsOf({ methods }: AnyService): v1.ComponentMethod[] {
  return Object.values(methods).map(({ name, mode, request, response }) => {
    const types = { request: request.typeName, response: mode === 'tell' ? '' : response.typeName };
    return v1.ComponentMethod.create({ name, mode, ...types });
  });
}

function checkDeclaration(name: unknown, service: unknown, factory: unknown, options: object): void {
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_.-]*$/i.test(name)) {
    throw new ConfigError(
      `The name of a component may contain letters, digits, and -_. only, and is not ${shownValue(name)}.`,
    );
  }
  const of = `component "${name}"`;
  if (!isService(service)) {
    throw new ConfigError(
      `${of} needs a service of a module that millrace gen made: component(name, import.meta.url, Service, factory), not ${shownValue(service)}.`,
    );
  }
  if (typeof factory !== 'function') {
    throw new ConfigError(`${of} needs a factory, (args) => behavior(Service, { ... }), not ${shownValue(factory)}.`);
  }
  checkOptions(of, options, {
    args: { what: 'a message type of a module that millrace gen made', is: isMessageType },
    version: accepted.text,
    onFailure: { what: 'fail or restart', is: (value) => value === 'fail' || value === 'restart' },
  });
}

function isMessageType(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'typeName' in value && 'create' in value && 'read' in value;
}
