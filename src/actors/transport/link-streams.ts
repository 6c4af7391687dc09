import { BackpressureError, type MillraceError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type AnyMethod, type EnvelopeView, type Lane, readValue, type v1, WireReader } from '../../protocol/index.js';
import { type Cell, chainFrom, type StreamCall, type StreamSink, type StreamSource } from '../kernel/index.js';
import type { Line } from './line.js';
import { Numbered } from './numbered.js';
import { ReadStream } from './read-stream.js';
import type { RouterServices } from './router-services.js';
import { senderOf, traceOf } from './remote-delivery.js';
import { toWire } from './wire-errors.js';
import { WrittenStream } from './written-stream.js';

/** Streams that have ended here of which the peer may still speak, on a link that may lose frames. */
const REMEMBERED = 1_024;

/**
 * The streams of one link, both directions. All that is said of one takes its method's lane, and so arrives in order.
 *
 *     reader's side                          actor's side
 *     OPEN (request, credit) -->             cell.serve
 *                            <-- ELEMENT 0   never more than the credit
 *                            <-- ELEMENT 1
 *     StreamCredit           -->             a larger total
 *                            <-- StreamEnd   complete, or an error
 *     or StreamCancel        -->             the generator's end
 *
 * On a link that may lose frames nothing is taken for granted: an OPEN is sent again until something is heard, a gap is reported and
 * filled from what is kept, StreamEnd and StreamCancel are said again until StreamClosed answers.
 */
export class LinkStreams {
  readonly #services: RouterServices;
  readonly #line: Line;
  readonly #reader = new WireReader();
  readonly #read = new Numbered<ReadStream>();
  readonly #written = new Map<number, WrittenStream>();
  /** Those that the peer was told to end, and has not answered, with their lane. */
  readonly #left = new Map<number, Lane>();
  /** Those of the peer that were here once: an OPEN of one that comes again opens nothing. */
  readonly #over = new Set<number>();

  constructor(services: RouterServices, line: Line) {
    this.#services = services;
    this.#line = line;
  }

  get size(): number {
    return this.#read.size + this.#written.size;
  }

  get needsRepeat(): boolean {
    return (
      this.#left.size > 0 ||
      this.#read.values().some((stream) => stream.needsRepeat) ||
      [...this.#written.values()].some((stream) => stream.isEnded)
    );
  }

  // ---- the reader's side

  /** BackpressureError when the link is full, ProtocolError for a request that cannot be sent. */
  open(
    cUid: bigint,
    method: AnyMethod,
    message: unknown,
    call: StreamCall,
    { deadlineMs, credit }: { readonly deadlineMs: number; readonly credit: number },
    sink: StreamSink,
  ): StreamSource {
    if (this.#read.size >= limits.linkStreams) {
      throw new BackpressureError(`${limits.linkStreams} streams from ${this.#line.address} are open already.`);
    }
    const id = this.#read.nextNumber();
    const stream = new ReadStream(this.#line, {
      correlation: id,
      method,
      deadlineMs,
      credit,
      sink,
      open: () => {
        this.#line.outgoing.open(cUid, method, message, call, stream, this.#services.scheduler.now());
        this.#line.written();
      },
      left: (isKnownThere) => this.#leave(stream, isKnownThere),
    });
    this.#read.add(stream);
    try {
      stream.open();
    } catch (error) {
      this.#read.delete(id);
      throw error;
    }
    this.#line.repeatLater();
    return stream;
  }

  element(bytes: Uint8Array, view: EnvelopeView): void {
    const stream = this.#read.get(view.correlation);
    if (stream === undefined) {
      this.#answerClosed(view.correlation, true);
      return;
    }
    stream.element(view.sequence, () =>
      readValue(stream.method.response, this.#reader, bytes, view.valueStart, view.valueEnd),
    );
  }

  onEnd({ stream: id, elements, error }: v1.StreamEnd): void {
    this.#left.delete(id);
    if (this.#read.get(id)?.end(elements, error) !== false) {
      this.#answerClosed(id, true);
    }
  }

  #leave(stream: ReadStream, isKnownThere: boolean): void {
    const { correlation: id, method } = stream;
    if (this.#read.delete(id) && isKnownThere) {
      this.#sayCancel(id, method.lane);
      if (!this.#line.isReliable) {
        this.#left.set(id, method.lane);
        this.#line.repeatLater();
      }
    }
  }

  // ---- the actor's side

  /** An OPEN that came before: its reader has heard nothing yet. ProtocolError where none comes twice. */
  isRepeated({ correlation: id, credit }: EnvelopeView): boolean {
    const known = this.#written.get(id);
    if (known === undefined && !this.#over.has(id)) {
      return false;
    }
    if (this.#line.isReliable) {
      throw new ProtocolError(`Stream ${id} is open already.`);
    }
    known?.credit({ credit, received: 0, hasGap: true, chain: [] });
    return true;
  }

  serve(cell: Cell, method: AnyMethod, message: unknown, view: EnvelopeView, sizeBytes: number): void {
    const id = view.correlation;
    if (this.#written.size >= limits.linkStreams) {
      this.refuse(id, new BackpressureError(`${limits.linkStreams} streams are open over the link already.`));
      return;
    }
    const sink = new WrittenStream(this.#line, id, method, (ended) => this.#ended(ended));
    this.#written.set(id, sink);
    const nowMs = this.#services.scheduler.now();
    const sender = senderOf(view, this.#line);
    sink.attach(
      cell.serve(method, message, {
        deadlineMs: nowMs + view.remainingMicroseconds / 1_000,
        chain: chainFrom(view.chain),
        meta: view.meta,
        trace: traceOf(view),
        sender: () => sender,
        sizeBytes,
        credit: view.credit,
        sink,
      }),
    );
  }

  /** Answers an OPEN that reached no actor. */
  refuse(id: number, error: MillraceError): void {
    this.#line.say({ message: { case: 'streamEnd', value: { stream: id, elements: 0, error: toWire(error) } } });
  }

  onCredit(credit: v1.StreamCredit): void {
    this.#written.get(credit.stream)?.credit(credit);
  }

  onCancel({ stream: id }: v1.StreamCancel): void {
    this.#forget(id);
    this.#answerClosed(id, false);
  }

  #ended(stream: WrittenStream): void {
    if (this.#line.isReliable) {
      this.#written.delete(stream.id);
    } else {
      this.#line.repeatLater();
    }
  }

  // ---- both

  onClosed({ stream: id, isReader }: v1.StreamClosed): void {
    if (isReader) {
      this.#forget(id);
    } else {
      this.#left.delete(id);
    }
  }

  repeat(): void {
    for (const stream of this.#read.values()) {
      try {
        stream.repeat();
      } catch (error) {
        // No room for an OPEN: it goes with the next repeat.
        if (!(error instanceof BackpressureError)) {
          throw error;
        }
      }
    }
    for (const [id, lane] of this.#left) {
      this.#sayCancel(id, lane);
    }
    for (const stream of this.#written.values()) {
      if (stream.isEnded) {
        stream.sayEnd();
      }
    }
  }

  /** The link has ended: its streams fail at the readers, and are cancelled at the actors. */
  close(error: MillraceError): void {
    const [read, written] = [this.#read.values(), [...this.#written.values()]];
    this.#read.clear();
    this.#written.clear();
    this.#left.clear();
    this.#over.clear();
    for (const stream of read) {
      stream.fail(error);
    }
    for (const stream of written) {
      stream.cancel();
    }
  }

  #forget(id: number): void {
    const stream = this.#written.get(id);
    this.#written.delete(id);
    stream?.cancel();
    if (!this.#line.isReliable) {
      this.#over.add(id);
      for (const oldest of this.#over) {
        if (this.#over.size <= REMEMBERED) {
          return;
        }
        this.#over.delete(oldest);
      }
    }
  }

  #sayCancel(id: number, lane: Lane): void {
    this.#line.outgoing.say({ message: { case: 'streamCancel', value: { stream: id } } }, lane);
    this.#line.written();
  }

  #answerClosed(id: number, isReader: boolean): void {
    if (!this.#line.isReliable) {
      this.#line.say({ message: { case: 'streamClosed', value: { stream: id, isReader } } });
    }
  }
}
