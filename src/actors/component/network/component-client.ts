import {
  AskTimeoutError,
  ConfigError,
  HandlerError,
  RefusedError,
  StoppedError,
  UnreachableError,
} from '../../../errors.js';
import { errorOf, isAsyncIterable } from '../../../foreign.js';
import { type AcceptedOptions, checkOptions } from '../../../options/index.js';
import type {
  AnyMethod,
  AnyService,
  AskMethod,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from '../../../protocol/index.js';
import {
  type ActorSystem,
  ASK_OPTIONS,
  type AskOptions,
  type CallArguments,
  checkRequest,
  deadlineOfAsk,
  FailedStream,
  isInherited,
  STREAM_OPTIONS,
  type StreamOptions,
} from '../../kernel/index.js';
import { controlReference } from '../control-service.js';
import type { Acquirer, Lease, Wanted } from './acquire.js';
import { TOLERANCE, type Tolerance } from './tolerance.js';

/** Options of a request to a component: those of an ask, and what it tolerates. */
export interface ComponentRequestOptions extends AskOptions, Tolerance {}

/** Options of a stream of a component: those of a stream, and what it tolerates. */
export interface ComponentStreamOptions extends StreamOptions, Tolerance {}

const REQUEST: AcceptedOptions = { ...TOLERANCE, ...ASK_OPTIONS };
const STREAM: AcceptedOptions = { ...TOLERANCE, ...STREAM_OPTIONS };

type ComponentCallOf<M> =
  M extends TellMethod<infer _Request, infer Init>
    ? (...given: CallArguments<Init, ComponentRequestOptions>) => Promise<void>
    : M extends AskMethod<infer _Request, infer Init, infer Response, infer _ResponseInit>
      ? (...given: CallArguments<Init, ComponentRequestOptions>) => Promise<Response>
      : M extends StreamMethod<infer _Request, infer Init, infer Response, infer _ResponseInit>
        ? (...given: CallArguments<Init, ComponentStreamOptions>) => AsyncIterable<Response>
        : never;

/**
 * The rpcs of a component, wherever its containers are. A tell resolves when a container has it. A stream has its container until it ends or
 * its reader leaves. Each fails with CapacityError when there is no container in time, and otherwise as the call of a reference does.
 */
export type ComponentClient<S extends AnyService> = {
  readonly [K in keyof S['methods']]: S['methods'][K] extends StreamsRequests
    ? never
    : ComponentCallOf<S['methods'][K]>;
};

/** The client of one service in one process. `draining`: aborted when that stops. */
export function componentClient<S extends AnyService>(
  service: S,
  system: ActorSystem,
  acquirer: Acquirer,
  draining: AbortSignal,
): ComponentClient<S> {
  const requests = new ComponentRequests(service, system, acquirer, draining);
  const calls = Object.values(service.methods).map((method) => [
    method.name,
    (message: unknown, options?: ComponentStreamOptions) => requests.call(method, message, options),
  ]);
  // oxlint-disable-next-line typescript/consistent-type-assertions -- as in the kernel's reference.ts: the object has exactly the methods that ComponentClient names.
  return Object.fromEntries(calls) as ComponentClient<S>;
}

/** A request whose options are checked, and that has what it inherits from the message that its caller handles. */
interface Prepared {
  readonly method: AnyMethod;
  /** With its defaults: the caller may change the object while it waits. */
  readonly message: unknown;
  /** Of the call of the container. */
  readonly options: StreamOptions | undefined;
  readonly wanted: Wanted;
}

class ComponentRequests {
  readonly #service: AnyService;
  readonly #system: ActorSystem;
  readonly #acquirer: Acquirer;
  readonly #draining: AbortSignal;

  constructor(service: AnyService, system: ActorSystem, acquirer: Acquirer, draining: AbortSignal) {
    this.#service = service;
    this.#system = system;
    this.#acquirer = acquirer;
    this.#draining = draining;
  }

  call(method: AnyMethod, message: unknown, options: ComponentStreamOptions | undefined): unknown {
    try {
      const prepared = this.#prepared(method, message, options);
      if (method.mode === 'stream') return this.#stream(prepared);
      return method.mode === 'tell' ? this.#tell(prepared) : this.#ask(prepared);
    } catch (error) {
      return method.mode === 'stream' ? new FailedStream(errorOf(error)) : Promise.reject(errorOf(error));
    }
  }

  #prepared(method: AnyMethod, given: unknown, options: ComponentStreamOptions = {}): Prepared {
    const takesAll = method.mode === 'stream' || isInherited(options);
    checkOptions(`a request of ${method.fullName}`, options, takesAll ? STREAM : REQUEST);
    const { within, only, ...rest } = options;
    checkRequest(method, given);
    const message = method.request.create(given ?? {});
    const kept = this.#system.inherit(method, rest).options;
    const deadlineMs = deadlineOfAsk(kept, this.#system.callServices);
    const isStream = method.mode === 'stream';
    const wanted = { what: method.fullName, within, only, deadlineMs, isStream, signal: kept?.signal };
    return { method, message, options: kept, wanted };
  }

  async #ask({ method, message, options, wanted }: Prepared): Promise<unknown> {
    const lease = await this.#acquirer.acquire(wanted);
    let hasAnswered = false;
    try {
      const timeoutMs = wanted.deadlineMs - this.#system.callServices.now();
      if (timeoutMs <= 0) throw lateContainer(method);
      const reply = await this.#invoke(lease, method, message, { ...options, timeoutMs });
      hasAnswered = true;
      return reply;
    } catch (error) {
      hasAnswered = error instanceof HandlerError || error instanceof RefusedError;
      throw this.#failed(lease, method, error);
    } finally {
      lease.release(hasAnswered);
    }
  }

  async #tell({ method, message, options = {}, wanted }: Prepared): Promise<void> {
    const lease = await this.#acquirer.acquire(wanted);
    try {
      const { timeoutMs: _timeoutMs, signal: _signal, ...rest } = options;
      this.#invoke(lease, method, message, rest);
      if (lease.isPassedOn) await this.#passedOn(lease, method, wanted);
    } catch (error) {
      throw this.#failed(lease, method, error);
    } finally {
      // Its pool asks the container, which answers behind the message.
      lease.release(false);
    }
  }

  /** Resolves when a gateway has passed a tell on: a release of before that would end the actor that does. */
  async #passedOn({ container }: Lease, method: AnyMethod, { deadlineMs, signal }: Wanted): Promise<void> {
    const timeoutMs = deadlineMs - this.#system.callServices.now();
    if (timeoutMs <= 0) throw lateContainer(method);
    const control = controlReference(this.#system, this.#service, container);
    await control.containerProbe({}, { timeoutMs, ...(signal && { signal }) });
  }

  async *#stream({ method, message, options, wanted }: Prepared): AsyncGenerator<unknown, void, undefined> {
    const lease = await this.#acquirer.acquire(wanted);
    try {
      const stream = this.#invoke(lease, method, message, options);
      if (isAsyncIterable(stream)) yield* stream;
    } catch (error) {
      throw this.#failed(lease, method, error);
    } finally {
      // The generator in the container may still have to end.
      lease.release(false);
    }
  }

  /** The actor of a gateway has stopped: its container, which its caller does not see, may go on. Where this process stops, that may be the cause. */
  #failed({ isPassedOn }: Lease, { fullName }: AnyMethod, error: unknown): unknown {
    if (!isPassedOn || !(error instanceof StoppedError) || this.#draining.aborted) return error;
    return new UnreachableError(
      `${fullName}: its gateway to another network has ended, and nobody knows whether the request was handled.`,
      { cause: error },
    );
  }

  #invoke({ container }: Lease, { name }: AnyMethod, message: unknown, options: StreamOptions | undefined): unknown {
    const ref = this.#system.reference(this.#service, container);
    const call: unknown = Reflect.get(ref, name);
    if (typeof call !== 'function') throw new ConfigError(`The reference of a container has no method ${name}.`);
    return Reflect.apply(call, ref, [message, options]);
  }
}

function lateContainer({ fullName }: AnyMethod): AskTimeoutError {
  return new AskTimeoutError(
    `${fullName} was not sent: it had a container only when its deadline had passed. State a longer timeoutMs, or raise the limit of its governor or the max of its component.`,
  );
}
