import { alreadyRead, laterReply, replyOf, type Requests, type Stream } from '../actors/kernel/index.js';
import { ProtocolError } from '../errors.js';
import { type AnyMethod, requestStreamOf } from '../protocol/index.js';

/** Yields the elements of a handler or an answer, with defaults filled in. Throws ProtocolError for a value that is not iterable. */
export async function* elementsOf(method: AnyMethod, elements: unknown): AsyncGenerator<unknown, undefined, void> {
  if (!isIterable(elements))
    throw new ProtocolError(`${method.fullName} is a streaming rpc: return an iterable of its elements`);
  for await (const element of elements) {
    const reply = laterReply(element);
    yield replyOf(method, reply === undefined ? element : await reply);
  }
  return undefined;
}

/** Requests that no actor reads, as a stream. `endsWithCall`: the end of their call tells the source to stop. */
export function streamOf(requests: Requests, endsWithCall: boolean): Stream<unknown> {
  return new AnsweredStream(requestStreamOf(requests.method), () => (endsWithCall ? requests : requests.checked()));
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

/** A stream whose elements a test provides. It calls `open` for them at the first read. */
export class AnsweredStream implements Stream<unknown> {
  readonly #elements: AsyncGenerator<unknown, undefined, void>;
  readonly #method: AnyMethod;
  #isOver = false;

  constructor(method: AnyMethod, open: () => unknown) {
    this.#method = method;
    const opened = async function* (): AsyncGenerator<unknown, undefined, void> {
      return yield* elementsOf(method, open());
    };
    this.#elements = opened();
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const step = await this.#elements.next();
    if (step.done === true) this.#isOver = true;
    return step;
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#isOver = true;
    return this.#elements.return(undefined);
  }

  throw(error?: unknown): Promise<IteratorResult<unknown, undefined>> {
    return this.#elements.throw(error);
  }

  [Symbol.asyncIterator](): Stream<unknown> {
    if (this.#isOver) throw alreadyRead(this.#method);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
