import { BackpressureError } from '../../errors.js';
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
import type { OpenStream, StreamCall, StreamSink, StreamSource } from '../kernel/index.js';
import { arrivingFields, dropFields } from './arriving-fields.js';
import { CorrelationTable } from './correlation-table.js';
import type { PeerLink, RouterServices } from './peer-link.js';
import { ReadStream } from './read-stream.js';
import { StreamWindow } from './stream-window.js';

/** The streams that are read here and served by the peer. */
export class ReadStreams {
  readonly #services: RouterServices;
  readonly #peer: PeerLink;
  readonly #reader = new WireReader();
  readonly #streams = new CorrelationTable<ReadStream>();
  /** Streams whose cancellation the peer has not confirmed, with their lane. */
  readonly #unconfirmedCancels = new Map<number, Lane>();
  /** Streams that have credit to send. */
  #owing: ReadStream[] = [];

  constructor(services: RouterServices, peer: PeerLink) {
    this.#services = services;
    this.#peer = peer;
  }

  get size(): number {
    return this.#streams.size;
  }

  get needsRepeat(): boolean {
    return this.#unconfirmedCancels.size > 0 || this.#streams.values().some((stream) => stream.needsRepeat);
  }

  /**
   * `message` is what an envelope carries for the message of the call. Throws BackpressureError when the link is full, ProtocolError for a
   * request that cannot be sent.
   */
  open(
    cUid: bigint,
    method: AnyMethod,
    message: unknown,
    call: StreamCall,
    start: { readonly deadlineMs: number; readonly credit: number },
    sink: StreamSink,
  ): StreamSource {
    return this.#read(method, call, start, sink, (stream) =>
      this.#peer.outgoing.open(cUid, method, message, call, stream, this.#services.scheduler.now()),
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
    if (this.#streams.size >= limits.linkStreams) {
      throw new BackpressureError(
        `${limits.linkStreams} streams from ${this.#peer.name.text} are already open (linkStreams).`,
      );
    }
    const id = this.#streams.nextCorrelation();
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
      owes: (owing) => {
        this.#owing.push(owing);
        this.#peer.written();
      },
      closed: (isKnownToPeer) => this.#closed(stream, isKnownToPeer),
    });
    this.#streams.add(stream);
    try {
      stream.open();
    } catch (error) {
      this.#streams.delete(id);
      window.close();
      throw error;
    }
    this.#peer.repeatLater();
    return stream;
  }

  /** Before a flush. */
  sendCredits(): void {
    if (this.#owing.length === 0) return;
    const owing = this.#owing;
    this.#owing = [];
    for (const stream of owing) stream.sendOwed();
  }

  element(bytes: Uint8Array, view: EnvelopeView): void {
    const stream = this.#streams.get(view.correlation);
    if (stream === undefined) {
      dropFields(this.#services, this.#peer, view);
      this.#answerClosed(view.correlation);
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
    if (this.#streams.get(id)?.end(elements, error) !== false) this.#answerClosed(id);
  }

  /** The peer has confirmed that it serves this stream no more. */
  onClosed(id: number): void {
    this.#unconfirmedCancels.delete(id);
  }

  #closed({ correlation: id, method }: ReadStream, isKnownToPeer: boolean): void {
    if (!this.#streams.delete(id) || !isKnownToPeer) return;
    this.#sendCancel(id, method.lane);
    if (this.#peer.isReliable) return;
    this.#unconfirmedCancels.set(id, method.lane);
    this.#peer.repeatLater();
  }

  repeat(): void {
    for (const stream of this.#streams.values()) {
      try {
        stream.repeat();
      } catch (error) {
        // There is no room for the OPEN. The next repeat sends it.
        if (!(error instanceof BackpressureError)) throw error;
      }
    }
    for (const [id, lane] of this.#unconfirmedCancels) this.#sendCancel(id, lane);
  }

  /** The link has ended: returns the streams, which fail. */
  close(): ReadStream[] {
    const streams = this.#streams.values();
    this.#streams.clear();
    this.#unconfirmedCancels.clear();
    this.#owing = [];
    return streams;
  }

  #sendCancel(id: number, lane: Lane): void {
    this.#peer.outgoing.sendControl({ message: { case: 'streamCancel', value: { stream: id } } }, lane);
    this.#peer.written();
  }

  #answerClosed(id: number): void {
    if (this.#peer.isReliable) return;
    this.#peer.sendControl({ message: { case: 'streamClosed', value: { stream: id, isReader: true } } });
  }
}
