import type { Lane } from './lane.js';
import type { WireReader } from './wire/reader.js';
import type { WireWriter } from './wire/writer.js';

/**
 * One protobuf message type, made by `millrace gen`.
 * `Read` is what a receiver sees: every field filled. `Init` is what a creator may pass: defaults may be left out.
 */
export interface MessageType<Read, Init = Read> {
  /** Full protobuf name, such as `shop.Trade`. */
  readonly typeName: string;
  /** It has fields of BorrowedBytes, itself or in messages within it. Absent where it has none. */
  readonly borrows?: true;
  /** A fresh object with every default filled in. */
  create(init?: Init): Read;
  /**
   * Writes the fields of `message`, without a length prefix. It takes what `create` takes, and refuses what that refuses; the error need not
   * name the field, which `create` then does.
   */
  write(message: Read | Init, writer: WireWriter): void;
  /** Reads fields up to `end`. Throws ProtocolError on malformed input; what it returns shares no memory with the input, but for fields that the reader lends. */
  read(reader: WireReader, end: number): Read;
}

/** How a client calls a method; static, part of the schema. */
export type Mode = 'ask' | 'tell' | 'stream';

/** One rpc of a service. */
export interface Method<M extends Mode, Request, RequestInit, Response, ResponseInit> {
  /** Property on references and behaviors: the rpc's name with a lower-case first letter. */
  readonly name: string;
  /** `package.Service.Method`. */
  readonly fullName: string;
  readonly mode: M;
  readonly lane: Lane;
  readonly request: MessageType<Request, RequestInit>;
  readonly response: MessageType<Response, ResponseInit>;
  /** The caller sends a stream of requests: `rpc Upload(stream Chunk)`. Absent where it sends one. */
  readonly streamsRequests?: true | undefined;
  /** Its `idempotency_level` is IDEMPOTENT or NO_SIDE_EFFECTS: it may be executed more than once. Absent where nothing is said. */
  readonly isIdempotent?: true | undefined;
}

export type TellMethod<Request, RequestInit> = Method<'tell', Request, RequestInit, unknown, unknown>;
export type AskMethod<Request, RequestInit, Response, ResponseInit> = Method<
  'ask',
  Request,
  RequestInit,
  Response,
  ResponseInit
>;
export type StreamMethod<Request, RequestInit, Response, ResponseInit> = Method<
  'stream',
  Request,
  RequestInit,
  Response,
  ResponseInit
>;

/** A method whose caller sends a stream of requests. */
export interface StreamsRequests {
  readonly streamsRequests: true;
}

/** `rpc Upload(stream Chunk) returns (Summary)` */
export type ClientStreamMethod<Request, RequestInit, Response, ResponseInit> = AskMethod<
  Request,
  RequestInit,
  Response,
  ResponseInit
> &
  StreamsRequests;

/** `rpc Chat(stream Line) returns (stream Line)` */
export type BidiStreamMethod<Request, RequestInit, Response, ResponseInit> = StreamMethod<
  Request,
  RequestInit,
  Response,
  ResponseInit
> &
  StreamsRequests;

/** Any method. The members of MessageType are declared as methods, whose parameters compare both ways, so this admits all. */
export type AnyMethod = Method<Mode, unknown, unknown, unknown, unknown>;

/** A protobuf service, made by `millrace gen`: what an actor of this protocol understands. */
export interface Service<Methods extends Readonly<Record<string, AnyMethod>> = Readonly<Record<string, AnyMethod>>> {
  /** Full protobuf name, such as `shop.Pricing`. */
  readonly typeName: string;
  readonly methods: Methods;
}

export type AnyService = Service<Readonly<Record<string, AnyMethod>>>;

const requestStreams = new WeakMap<AnyMethod, AnyMethod>();

/** The stream of a method's requests, as a method: its callers serve it, and its actor reads it. Its responses are the method's requests. */
export function requestStreamOf(method: AnyMethod): AnyMethod {
  let stream = requestStreams.get(method);
  if (stream === undefined) {
    const { name, fullName, lane, request } = method;
    stream = { name, fullName: `the requests of ${fullName}`, mode: 'stream', lane, request, response: request };
    requestStreams.set(method, stream);
  }
  return stream;
}
