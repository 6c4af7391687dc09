/** The fields of an envelope for the router: flat, mutable and reused, so that routing a message allocates nothing. */
import { KnownNames } from './known-names.js';
import type { Meta } from './meta.js';
import type { DetachedFields, WireReader } from './wire/index.js';

/** As `EnvelopeMode` in envelope.proto. */
export const EnvelopeMode = { tell: 0, ask: 1, reply: 2, failure: 3, link: 4, open: 5, element: 6 } as const;
export type EnvelopeMode = (typeof EnvelopeMode)[keyof typeof EnvelopeMode];

/** An error that is sent to the caller of an ask. */
export interface EnvelopeError {
  readonly code: string;
  readonly message: string;
  /** Empty where the handler's error had none, or a number. */
  readonly handlerCode: string;
  readonly handlerName?: string | undefined;
  /** The code of the handler's error, where that is a number. */
  readonly handlerNumber?: number | undefined;
  /** Of a refusal. */
  readonly reason?: string | undefined;
  readonly detailType?: string | undefined;
  readonly detail?: Uint8Array | undefined;
  /** Undefined where it is unknown. */
  readonly retryAfterMs?: number | undefined;
  /** No actor has got the message. */
  readonly isUnsent?: boolean | undefined;
}

/** Bytes of two ids, a mode, a method number and the key of the value. */
const LARGEST_HEAD_BYTES = 9 + 9 + 2 + 6 + 1;
export const NO_CHAIN: readonly bigint[] = [];

/** What most calls, replies and elements carry beside their value. */
export interface EnvelopeControl {
  /** 0: none. */
  correlation: number;
  /** Infinity: no deadline. Rounded down when written. */
  remainingMicroseconds: number;
  /** The sender's clock at the time from which the remaining time counts. Negative: not stated. */
  sentMs: number;
  chain: readonly bigint[];
  /** Of an ELEMENT. */
  sequence: number;
}

/** All fields of an envelope but its value; ids as low and high 32 bits, signed or unsigned. */
export class EnvelopeHeader implements EnvelopeControl {
  hasTo = false;
  toLow = 0;
  toHigh = 0;
  hasFrom = false;
  fromLow = 0;
  fromHigh = 0;
  mode: EnvelopeMode = EnvelopeMode.tell;
  method = 0;
  /** Empty when the peer knows the method number. */
  methodName = '';
  error: EnvelopeError | undefined = undefined;
  meta: Meta | undefined = undefined;
  passThrough: Uint8Array | undefined = undefined;
  correlation = 0;
  remainingMicroseconds: number = Number.POSITIVE_INFINITY;
  sentMs = -1;
  chain: readonly bigint[] = NO_CHAIN;
  hops = 0;
  /** Empty: none. */
  traceParent = '';
  /** Nothing without a `traceParent`. */
  traceState = '';
  /** Of an OPEN. */
  credit = 0;
  /** Of an OPEN. */
  creditBytes = 0;
  sequence = 0;
  /** The stream of the requests of a call, or the one that is opened. 0: none. */
  requestStream = 0;
  /** Encoded bytes of the value; set by writing or reading it. */
  valueBytes = 0;
  /** Encoded bytes of the envelope; set by writing or reading it. */
  sizeBytes = 0;
  /** Encoded `millrace.v1.DetachedFields` of the value. */
  detached: Uint8Array | undefined = undefined;
  /** Takes the large fields of the value when it is written; undefined where they stay in it. */
  detaching: DetachedFields | undefined = undefined;

  /** Resets it to an empty envelope. Keeps the sizes of the one that was written last: the next one likely takes as much. */
  clear(): void {
    this.hasTo = false;
    this.toLow = 0;
    this.toHigh = 0;
    this.hasFrom = false;
    this.fromLow = 0;
    this.fromHigh = 0;
    this.mode = EnvelopeMode.tell;
    this.method = 0;
    this.methodName = '';
    this.error = undefined;
    this.meta = undefined;
    this.passThrough = undefined;
    this.detached = undefined;
    this.detaching = undefined;
    this.clearControl();
  }

  /** Resets the fields of `millrace.v1.Control`. */
  clearControl(): void {
    this.correlation = 0;
    this.remainingMicroseconds = Number.POSITIVE_INFINITY;
    this.sentMs = -1;
    this.chain = NO_CHAIN;
    this.hops = 0;
    this.traceParent = '';
    this.traceState = '';
    this.credit = 0;
    this.creditBytes = 0;
    this.sequence = 0;
    this.requestStream = 0;
  }
}

/** A decoded envelope. Its value is still encoded: the region [valueStart, valueEnd) of the frame, valid as long as the frame. */
export class EnvelopeView extends EnvelopeHeader {
  /** Offsets of the envelope in its frame, including its length prefix. */
  start = 0;
  end = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #names = new KnownNames();
  /** The encoded fields before the value of the last envelope, with the key of the value, where only control fields follow the value. */
  readonly #head = new Uint8Array(LARGEST_HEAD_BYTES);
  #headBytes = 0;
  #isRepeat = false;

  /** All its fields but the value and the control fields are those of the envelope before. */
  get isRepeat(): boolean {
    return this.#isRepeat;
  }

  /** Keeps the encoded fields in [start, end), after which only the value and control fields follow. */
  keepHead(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > LARGEST_HEAD_BYTES) return;
    for (let index = start; index < end; index++) this.#head[index - start] = bytes[index] as number;
    this.#headBytes = end - start;
  }

  /** The offset of the value's length, where the envelope in [start, end) begins as the last one. 0 where it does not. */
  repeats(bytes: Uint8Array, start: number, end: number): number {
    const head = this.#head;
    const size = this.#headBytes;
    if (size === 0 || end - start <= size) return 0;
    for (let index = 0; index < size; index++) if (bytes[start + index] !== head[index]) return 0;
    return start + size;
  }

  /** An envelope of `sizeBytes` is as the last one but for its value, and for its control fields, which are reset. */
  repeat(sizeBytes: number, valueStart: number, valueEnd: number): void {
    this.sizeBytes = sizeBytes;
    this.#isRepeat = true;
    this.clearControl();
    this.valueStart = valueStart;
    this.valueEnd = valueEnd;
    this.valueBytes = valueEnd - valueStart;
  }

  override clear(): void {
    super.clear();
    this.#isRepeat = false;
    this.#headBytes = 0;
    this.valueBytes = 0;
    this.valueStart = 0;
    this.valueEnd = 0;
  }

  /** Reads the key of a meta entry, which has likely arrived with an earlier envelope. */
  readName(reader: WireReader): string {
    const before = reader.position;
    const start = reader.skipLength();
    const { bytes, position: end } = reader;
    const known = this.#names.find(bytes, start, end);
    if (known !== undefined) return known;
    reader.position = before;
    const name = reader.string();
    this.#names.keep(name, bytes, start, end);
    return name;
  }
}
