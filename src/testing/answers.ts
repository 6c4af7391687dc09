import type { AnyMethod, AnyService, AskMethod, StreamMethod } from '../protocol/index.js';

/** Answers to some asks and streams of a service: what a test puts in place of the actor behind a reference. */
export type Answers<S extends AnyService> = {
  readonly [K in keyof S['methods']]?: S['methods'][K] extends AskMethod<
    infer Request,
    infer _RequestInit,
    infer _Response,
    infer ResponseInit
  >
    ? (request: Request) => ResponseInit | Promise<ResponseInit>
    : S['methods'][K] extends StreamMethod<infer Request, infer _RequestInit, infer _Response, infer ResponseInit>
      ? (request: Request) => Iterable<ResponseInit> | AsyncIterable<ResponseInit>
      : never;
};

/** Called through a method signature, whose parameters compare both ways: an answer to any request fits. */
type AnyAnswer = { call(request: unknown): unknown }['call'];

/** Any answers, by the name of the rpc. */
export type UntypedAnswers = Readonly<Record<string, AnyAnswer | undefined>>;

/** What the answers say to a request; `undefined` where they are silent. */
export function answer(answers: UntypedAnswers, method: AnyMethod, request: unknown): unknown {
  return answers[method.name]?.(request);
}
