import { Requests, requestsIn } from '../../actors/kernel/index.js';
import { limits } from '../../limits.js';
import { type AnyMethod, type Meta, requestStreamOf } from '../../protocol/index.js';
import type { Party } from './message.js';
import { ServedEnd } from './stream-ends.js';
import type { ObservedStream, Streams } from './streams.js';

/** The meta field with the id of the stream of a call's requests. */
export const REQUESTS_META = 'millrace.simulation.requests';

/** The requests of one call: a stream that its caller serves, and that the actor reads. */
export class ObservedRequests {
  readonly stream: ObservedStream;
  /** What the call carries in place of the caller's own. */
  readonly requests: Requests;
  readonly meta: Meta;

  constructor(
    streams: Streams,
    method: AnyMethod,
    given: Requests,
    ends: Pick<ObservedStream, 'reader' | 'sender'>,
    receiver: bigint,
  ) {
    const elements = requestStreamOf(method);
    const empty = elements.request.create();
    const windowItems = limits.rpcStreamItems;
    const stream = streams.opened(
      { ...ends, receiver, method: elements, timeoutMs: Number.POSITIVE_INFINITY, windowItems },
      empty,
    );
    this.stream = stream;
    this.meta = { [REQUESTS_META]: String(stream.id) };
    this.requests = new Requests(method, {
      [Symbol.asyncIterator]: () => {
        streams.served(String(stream.id), receiver, elements, empty);
        return new ServedEnd(streams, stream, given.checked());
      },
    });
  }
}

/** The requests that a call carries, observed; undefined where its message is one request. */
export function observedRequests(
  streams: Streams,
  method: AnyMethod,
  message: unknown,
  ends: { readonly caller: Party; readonly actor: Party | undefined; readonly receiver: bigint },
): ObservedRequests | undefined {
  const given = method.streamsRequests === true ? requestsIn(message) : undefined;
  if (given === undefined) return undefined;
  const { caller, actor = caller, receiver } = ends;
  return new ObservedRequests(streams, method, given, { reader: actor, sender: caller }, receiver);
}
