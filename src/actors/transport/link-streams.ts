import { BackpressureError, MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import {
  type AnyMethod,
  type EnvelopeView,
  type Lane,
  readValue,
  requestStreamOf,
  type v1,
  WireReader,
} from '../../protocol/index.js';
import {
  type Cell,
  chainFrom,
  type OpenStream,
  type StreamCall,
  type StreamSink,
  type StreamSource,
} from '../kernel/index.js';
import { arrivingFields, dropFields } from './arriving-fields.js';
import type { PeerLink } from './peer-link.js';
import { CorrelationTable } from './correlation-table.js';
import { OfferedCalls } from './offered-requests.js';
import { ReadStream } from './read-stream.js';
import { RecentIds } from './recent-ids.js';
import type { RouterServices } from './router-services.js';
import { senderOf, traceOf } from './remote-delivery.js';
import { StreamWindow } from './stream-window.js';
import { toWire } from './wire-errors.js';
import { WrittenStream } from './written-stream.js';

/** Ids that are remembered on a link that may lose frames. */
const REMEMBERED = 1_024;

/**
 * The streams of one link, both directions. All messages of one stream use its method's lane, and so arrive in order.
 *
 *     reader's side                          actor's side
 *     OPEN (request, credit) -->             cell.serve
 *                            <-- ELEMENT 0   never more than the credit
 *                            <-- ELEMENT 1
 *     StreamCredit           -->             a larger total
 *                            <-- StreamEnd   complete, or an error
 *     or StreamCancel        -->             the generator's end
 *
 * The requests of a call that streams them are one more stream, in the other direction. ASK and OPEN carry its number, and the first read
 * of the handler opens it:
 *
 *     caller's side                          actor's side
 *     ASK (request stream 7) -->             cell.deliver, with a reader of the requests
 *                            <-- OPEN        of request stream 7; its reader is here
 *     ELEMENT 0              -->             and so on, as above
 *
 * On a link that may lose frames, OPEN is repeated until the actor's side answers. The reader reports a gap, and the actor's side
 * sends the missing elements again. StreamEnd and StreamCancel are repeated until StreamClosed answers.
 */
export class LinkStreams {
  readonly #services: RouterServices;
  readonly #peer: PeerLink;
  readonly #reader = new WireReader();
  readonly #reading = new CorrelationTable<ReadStream>();
  readonly #written = new Map<number, WrittenStream>();
  /** Streams whose cancellation the peer has not confirmed, with their lane. */
  readonly #unconfirmedCancels = new Map<number, Lane>();
  /** Streams that were served here and have ended: a repeated OPEN of one opens nothing. */
  readonly #endedIds = new RecentIds(REMEMBERED);
  /** Request streams of calls that have arrived. */
  readonly #arrivedIds = new RecentIds(REMEMBERED);
  /** The calls from here that stream their requests. */
  readonly offered: OfferedCalls;

  constructor(services: RouterServices, peer: PeerLink) {
    this.#services = services;
    this.#peer = peer;
    this.offered = new OfferedCalls(services, peer);
  }

  get size(): number {
    return this.#reading.size + this.#written.size;
  }

  get needsRepeat(): boolean {
    return (
      this.#unconfirmedCancels.size > 0 ||
      this.#reading.values().some((stream) => stream.needsRepeat) ||
      [...this.#written.values()].some((stream) => stream.isEnded)
    );
  }

  // ---- the reader's side

  /** Throws BackpressureError when the link is full, ProtocolError for a request that cannot be sent. */
  open(
    cUid: bigint,
    method: AnyMethod,
    message: unknown,
    call: StreamCall,
    start: { readonly deadlineMs: number; readonly credit: number },
    sink: StreamSink,
  ): StreamSource {
    const sent = this.offered.carried(method, message, call.caller);
    return this.#read(method, call, start, sink, (stream) =>
      this.#peer.outgoing.open(cUid, method, sent, call, stream, this.#services.scheduler.now()),
    );
  }

  /** Opens request stream number `id` of the peer. `method` is that of its call. */
  openRequests(method: AnyMethod, id: number): OpenStream {
    return (sink, call, start) =>
      this.#read(requestStreamOf(method), call, start, sink, (stream) =>
        this.#peer.outgoing.openRequests(id, method.lane, call, stream, this.#services.scheduler.now()),
      );
  }

  #read(
    method: AnyMethod,
    call: StreamCall,
    { deadlineMs, credit }: { readonly deadlineMs: number; readonly credit: number },
    sink: StreamSink,
    send: (stream: ReadStream) => void,
  ): StreamSource {
    if (this.#reading.size >= limits.linkStreams) {
      throw new BackpressureError(
        `${limits.linkStreams} streams from ${this.#peer.address} are already open (linkStreams).`,
      );
    }
    const id = this.#reading.nextCorrelation();
    const window = new StreamWindow(call.windowBytes, this.#services.grantedBytes);
    const stream = new ReadStream(this.#peer, {
      correlation: id,
      method,
      deadlineMs,
      credit,
      window,
      sink,
      open: () => {
        send(stream);
        this.#peer.written();
      },
      closed: (isKnownToPeer) => this.#readerClosed(stream, isKnownToPeer),
    });
    this.#reading.add(stream);
    try {
      stream.open();
    } catch (error) {
      this.#reading.delete(id);
      window.close();
      throw error;
    }
    this.#peer.repeatLater();
    return stream;
  }

  element(bytes: Uint8Array, view: EnvelopeView): void {
    const stream = this.#reading.get(view.correlation);
    if (stream === undefined) {
      dropFields(this.#services, this.#peer, view);
      this.#answerClosed(view.correlation, true);
      return;
    }
    if (view.detached !== undefined) {
      stream.arriving(view, () => arrivingFields(this.#services, this.#peer, stream.method.response, bytes, view));
      return;
    }
    stream.element(view.sequence, view.valueBytes, () =>
      readValue(stream.method.response, this.#reader, bytes, view.valueStart, view.valueEnd),
    );
  }

  onEnd({ stream: id, elements, error }: v1.StreamEnd): void {
    this.#unconfirmedCancels.delete(id);
    if (this.#reading.get(id)?.end(elements, error) !== false) {
      this.#answerClosed(id, true);
    }
  }

  #readerClosed(stream: ReadStream, isKnownToPeer: boolean): void {
    const { correlation: id, method } = stream;
    if (this.#reading.delete(id) && isKnownToPeer) {
      this.#sendCancel(id, method.lane);
      if (!this.#peer.isReliable) {
        this.#unconfirmedCancels.set(id, method.lane);
        this.#peer.repeatLater();
      }
    }
  }

  // ---- the actor's side

  /** True for a repeated OPEN: its reader has received nothing yet. Throws ProtocolError on a reliable link, which repeats none. */
  isRepeated({ correlation: id, credit, creditBytes }: EnvelopeView): boolean {
    const known = this.#written.get(id);
    if (known === undefined && !this.#endedIds.has(id)) {
      return false;
    }
    if (this.#peer.isReliable) {
      throw new ProtocolError(`Stream ${id} is open already.`);
    }
    known?.credit({ credit, creditBytes, received: 0, hasGap: true, chain: [] });
    return true;
  }

  /** `sentMs`: see RemoteDelivery. */
  serve(cell: Cell, method: AnyMethod, message: unknown, view: EnvelopeView, sizeBytes: number, sentMs: number): void {
    const sender = senderOf(view, this.#peer);
    this.#write(view, method, (sink) =>
      cell.serve(method, message, {
        deadlineMs: sentMs + view.remainingMicroseconds / 1_000,
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

  /** The actor that was called reads the requests of the call. Throws ProtocolError for a call that streams none, or whose stream is open. */
  serveRequests(view: EnvelopeView): void {
    const requests = this.offered.get(view.requestStream);
    if (requests === undefined) {
      this.refuse(view.correlation, new StoppedError('The call has ended, and with it its requests.'));
      return;
    }
    const opening = {
      deadlineMs: Number.POSITIVE_INFINITY,
      chain: chainFrom(view.chain),
      meta: undefined,
      sender: () => undefined,
      sizeBytes: 0,
      credit: view.credit,
    };
    this.#write(view, requestStreamOf(requests.method), (sink) => requests.open({ ...opening, sink }));
  }

  #write(view: EnvelopeView, method: AnyMethod, serve: (sink: StreamSink) => StreamSource): void {
    const id = view.correlation;
    if (this.#written.size >= limits.linkStreams) {
      this.refuse(
        id,
        new BackpressureError(`${limits.linkStreams} streams are already open over the link (linkStreams).`),
      );
      return;
    }
    const sink = new WrittenStream(this.#peer, id, method, view.creditBytes, (ended) => this.#ended(ended));
    this.#written.set(id, sink);
    try {
      sink.attach(serve(sink));
    } catch (error) {
      this.#written.delete(id);
      if (error instanceof MillraceError) this.refuse(id, error);
      throw error;
    }
  }

  /** Answers an OPEN that was delivered to no actor. */
  refuse(id: number, error: MillraceError): void {
    this.#peer.sendControl({
      message: { case: 'streamEnd', value: { stream: id, elements: 0, error: toWire(error) } },
    });
  }

  onCredit(credit: v1.StreamCredit): void {
    this.#written.get(credit.stream)?.credit(credit);
  }

  onCancel({ stream: id }: v1.StreamCancel): void {
    this.#forget(id);
    this.#answerClosed(id, false);
  }

  #ended(stream: WrittenStream): void {
    if (this.#peer.isReliable) {
      this.#written.delete(stream.id);
    } else {
      this.#peer.repeatLater();
    }
  }

  /** False for a call that has arrived before: its frame was doubled. Throws ProtocolError on a reliable link, which doubles none. */
  isFirstArrival(requestStream: number): boolean {
    const isNew = this.#arrivedIds.add(requestStream);
    if (!isNew && this.#peer.isReliable) {
      throw new ProtocolError(`Request stream ${requestStream} belongs to an earlier call.`);
    }
    return isNew;
  }

  // ---- both

  onClosed({ stream: id, isReader }: v1.StreamClosed): void {
    if (isReader) {
      this.#forget(id);
    } else {
      this.#unconfirmedCancels.delete(id);
    }
  }

  repeat(): void {
    for (const stream of this.#reading.values()) {
      try {
        stream.repeat();
      } catch (error) {
        // There is no room for the OPEN. The next repeat sends it.
        if (!(error instanceof BackpressureError)) {
          throw error;
        }
      }
    }
    for (const [id, lane] of this.#unconfirmedCancels) {
      this.#sendCancel(id, lane);
    }
    for (const stream of this.#written.values()) {
      if (stream.isEnded) {
        stream.sendEnd();
      }
    }
  }

  /** The link has ended: fails the streams that are read here, and cancels those that are served here. */
  close(error: MillraceError): void {
    const [read, written] = [this.#reading.values(), [...this.#written.values()]];
    this.#reading.clear();
    this.#written.clear();
    this.#unconfirmedCancels.clear();
    this.#endedIds.clear();
    this.#arrivedIds.clear();
    this.offered.close();
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
    if (!this.#peer.isReliable) this.#endedIds.add(id);
  }

  #sendCancel(id: number, lane: Lane): void {
    this.#peer.outgoing.sendControl({ message: { case: 'streamCancel', value: { stream: id } } }, lane);
    this.#peer.written();
  }

  #answerClosed(id: number, isReader: boolean): void {
    if (!this.#peer.isReliable) {
      this.#peer.sendControl({ message: { case: 'streamClosed', value: { stream: id, isReader } } });
    }
  }
}
