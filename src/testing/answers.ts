import type { AnyMethod, AnyService, AskMethod, StreamMethod, StreamsRequests } from '../protocol/index.js';

/** Answers to some asks and streams of a service. A test provides them in place of the actor behind a reference. */
export type Answers<S extends AnyService> = {
  readonly [K in keyof S['methods']]?: S['methods'][K] extends AskMethod<
    infer Request,
    infer _RequestInit,
    infer _Response,
    infer ResponseInit
  >
    ? (request: Given<S['methods'][K], Request>) => ResponseInit | Promise<ResponseInit>
    : S['methods'][K] extends StreamMethod<infer Request, infer _RequestInit, infer _Response, infer ResponseInit>
      ? (request: Given<S['methods'][K], Request>) => Iterable<ResponseInit> | AsyncIterable<ResponseInit>
      : never;
};

/** What an answer gets: the request, or the stream of them. */
type Given<M, Request> = M extends StreamsRequests ? AsyncIterable<Request> : Request;

/** The type of a method, whose parameters are bivariant: an answer to any request is assignable. */
type AnyAnswer = { call(request: unknown): unknown }['call'];

/** Any answers, by the name of the rpc. */
export type UntypedAnswers = Readonly<Record<string, AnyAnswer | undefined>>;

/** The answer to a request; `undefined` if there is none. */
export function answer(answers: UntypedAnswers, method: AnyMethod, request: unknown): unknown {
  return answers[method.name]?.(request);
}
