import type { MillraceError } from '../../errors.js';
import type { AnyMethod, EnvelopeView, v1 } from '../../protocol/index.js';
import type { StreamCall, StreamSink, StreamSource } from '../kernel/index.js';
import { OfferedCalls } from './offered-requests.js';
import type { PeerLink, RouterServices } from './peer-link.js';
import { ReadStreams } from './read-streams.js';
import { forCaller } from '../../protocol/errors/index.js';
import { WrittenStreams } from './written-streams.js';

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
  readonly read: ReadStreams;
  readonly written: WrittenStreams;
  /** The calls from here that stream their requests. */
  readonly offered: OfferedCalls;

  constructor(services: RouterServices, peer: PeerLink) {
    this.read = new ReadStreams(services, peer);
    this.written = new WrittenStreams(peer, services.system.incarnation);
    this.offered = new OfferedCalls(services.system, peer);
  }

  get size(): number {
    return this.read.size + this.written.size;
  }

  get needsRepeat(): boolean {
    return this.read.needsRepeat || this.written.needsRepeat;
  }

  /** Opens a stream of the peer's actor. Throws BackpressureError when the link is full, ProtocolError for a request that cannot be sent. */
  open(
    cUid: bigint,
    method: AnyMethod,
    message: unknown,
    call: StreamCall,
    start: { readonly deadlineMs: number; readonly credit: number },
    sink: StreamSink,
  ): StreamSource {
    const sent = this.offered.carried(method, message, call.caller);
    return this.read.open(cUid, method, sent, call, start, sink);
  }

  /** An OPEN has arrived for the requests of a call from here. */
  serveRequests(view: EnvelopeView): void {
    this.written.serveRequests(this.offered.get(view.requestStream), view);
  }

  onClosed({ stream: id, isReader }: v1.StreamClosed): void {
    if (isReader) this.written.forget(id);
    else this.read.onClosed(id);
  }

  repeat(): void {
    this.read.repeat();
    this.written.repeat();
  }

  /** The link has ended: fails the streams that are read here, and cancels those that are served here. */
  close(error: MillraceError): void {
    const [read, written] = [this.read.close(), this.written.close()];
    this.offered.close();
    for (const stream of read) stream.fail(forCaller(error));
    for (const stream of written) stream.cancel();
  }
}
