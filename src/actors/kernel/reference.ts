import type {
  AnyService,
  AskMethod,
  ServiceRef,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from '../../protocol/index.js';
import type { AskOptions, SendOptions, StreamOptions } from './call.js';
import type { ReadyOptions } from './ready-wait.js';
import type { Stream } from './stream.js';
import type { UntypedRef } from './untyped-ref.js';

/**
 * The requests of a call of an rpc that streams them: an array, a generator, a stream of Node. One is taken when the actor reads on; at most 16 are
 * taken ahead of it. When the call ends earlier, `return()` of its iterator is called. What it throws fails the call.
 *
 *     async function* rows() {
 *       for await (const line of createInterface(createReadStream('stock.csv'))) yield { name: line };
 *     }
 *     const { total } = await ref.import(rows(), { timeoutMs: 60_000 });
 */
export type RequestSource<Init> = AsyncIterable<Init> | Iterable<Init>;

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

/** Options of a tell that waits for room: those of a tell, and those of `ready()`. */
export interface WhenReadyOptions extends SendOptions, ReadyOptions {}

/** The tells of a reference that wait for room first: `ref.whenReady`. */
export type WhenReady<S extends AnyService> = {
  readonly [K in keyof S['methods'] as S['methods'][K] extends TellMethod<infer _Request, infer _Init>
    ? K
    : never]: S['methods'][K] extends TellMethod<infer _Request, infer Init>
    ? (...given: CallArguments<Init, WhenReadyOptions>) => Promise<void>
    : never;
};

/** A call of one rpc of a reference. */
export type ReferenceCall = (ref: UntypedRef, message: unknown, options: StreamOptions | undefined) => unknown;
