import { BackpressureError, MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type AnyMethod, type EnvelopeView, requestStreamOf, type v1 } from '../../protocol/index.js';
import {
  type Cell,
  chainFrom,
  dropMessage,
  type Requests,
  type StreamSink,
  type StreamSource,
} from '../kernel/index.js';
import type { PeerLink } from './peer-link.js';
import { RecentIds } from './recent-ids.js';
import { senderOf, traceOf } from './remote-delivery.js';
import { toWire } from '../../protocol/errors/index.js';
import { WrittenStream } from './written-stream.js';

/** Ids that are remembered on a link that may lose frames. */
const REMEMBERED = 1_024;

/** The streams that are served here and read by the peer. */
export class WrittenStreams {
  readonly #peer: PeerLink;
  readonly #incarnation: bigint;
  readonly #streams = new Map<number, WrittenStream>();
  /** Streams that were served here and have ended: a repeated OPEN of one opens nothing. */
  readonly #endedIds = new RecentIds(REMEMBERED);
  /** Request streams of calls that have arrived. */
  readonly #arrivedIds = new RecentIds(REMEMBERED);

  /** `incarnation`: of this process. */
  constructor(peer: PeerLink, incarnation: bigint) {
    this.#peer = peer;
    this.#incarnation = incarnation;
  }

  get size(): number {
    return this.#streams.size;
  }

  get needsRepeat(): boolean {
    return [...this.#streams.values()].some((stream) => stream.isEnded);
  }

  /** True for a repeated OPEN: its reader has received nothing yet. Throws ProtocolError on a reliable link, which repeats none. */
  isRepeated({ correlation: id, credit, creditBytes }: EnvelopeView): boolean {
    const known = this.#streams.get(id);
    if (known === undefined && !this.#endedIds.has(id)) return false;
    if (this.#peer.isReliable) throw new ProtocolError(`Stream ${id} is open already.`);
    known?.credit({ credit, creditBytes, received: 0, hasGap: true, chain: [] });
    return true;
  }

  /** `sentMs`: see RemoteDelivery. */
  serve(cell: Cell, method: AnyMethod, message: unknown, view: EnvelopeView, sizeBytes: number, sentMs: number): void {
    const sender = senderOf(view, this.#peer);
    let isGiven = false;
    this.#write(view, method, (sink) => {
      isGiven = true;
      return cell.serve(method, message, {
        deadlineMs: sentMs + view.remainingMicroseconds / 1_000,
        chain: chainFrom(view.chain),
        meta: view.meta,
        trace: traceOf(view),
        sender: () => sender,
        sizeBytes,
        credit: view.credit,
        sink,
      });
    });
    if (!isGiven) dropMessage(message);
  }

  /**
   * The actor that was called reads the requests of the call, which has ended where they are undefined. Throws ProtocolError for a call that
   * streams none, or whose stream is open.
   */
  serveRequests(requests: Requests | undefined, view: EnvelopeView): void {
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
    if (this.#streams.size >= limits.linkStreams) {
      const text = `${limits.linkStreams} streams are already open over the link (linkStreams).`;
      this.refuse(id, new BackpressureError(text));
      return;
    }
    const isReadHere = this.#peer.incarnation === this.#incarnation;
    const sink = new WrittenStream(this.#peer, id, method, view.creditBytes, (ended) => this.#ended(ended), isReadHere);
    this.#streams.set(id, sink);
    try {
      sink.attach(serve(sink));
    } catch (error) {
      this.#streams.delete(id);
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
    this.#streams.get(credit.stream)?.credit(credit);
  }

  onCancel({ stream: id }: v1.StreamCancel): void {
    this.forget(id);
    if (this.#peer.isReliable) return;
    this.#peer.sendControl({ message: { case: 'streamClosed', value: { stream: id, isReader: false } } });
  }

  /** The peer reads this stream no more. */
  forget(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    // Elements that wait for memory are not sent any more.
    if (stream !== undefined) this.#peer.lanes.detached.drop(id);
    stream?.cancel();
    if (!this.#peer.isReliable) this.#endedIds.add(id);
  }

  #ended(stream: WrittenStream): void {
    if (this.#peer.isReliable) this.#streams.delete(stream.id);
    else this.#peer.repeatLater();
  }

  /** False for a call that has arrived before: its frame was doubled. Throws ProtocolError on a reliable link, which doubles none. */
  isFirstArrival(requestStream: number): boolean {
    const isNew = this.#arrivedIds.add(requestStream);
    if (!isNew && this.#peer.isReliable) {
      throw new ProtocolError(`Request stream ${requestStream} belongs to an earlier call.`);
    }
    return isNew;
  }

  repeat(): void {
    for (const stream of this.#streams.values()) if (stream.isEnded) stream.sendEnd();
  }

  /** The link has ended: returns the streams, which are cancelled. */
  close(): WrittenStream[] {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#endedIds.clear();
    this.#arrivedIds.clear();
    return streams;
  }
}
