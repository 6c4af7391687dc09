import {
  type AnyMethod,
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  Lane,
  readDelimitedEnvelope,
  readValue,
  v1,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';
import type { CloseReason, Link, Transport } from '#src/transport/index.js';

const MODES = Object.keys(EnvelopeMode);

/** Bytes of the largest envelope that it can write. */
const LARGEST_BYTES = 1_024 * 1_024;

/** A peer that writes whatever it likes into its frames. */
export class Stranger {
  readonly transport: Transport;
  readonly link: Link;
  readonly ended: CloseReason[] = [];
  /** What routers said to it. */
  readonly words: v1.LinkMessage['message'][] = [];
  /** Replies and failures that came back. */
  readonly answers: EnvelopeView[] = [];
  /** The modes of the envelopes on each lane; for a message of a router, its name. */
  readonly heard: { readonly [L in Lane]: string[] } = { [Lane.control]: [], [Lane.data]: [] };
  frames = 0;

  constructor(transport: Transport, link: Link) {
    this.transport = transport;
    this.link = link;
    link.setHandlers({
      frame: (lane, bytes) => this.#read(lane, bytes),
      writable: () => {},
      closed: (reason) => void this.ended.push(reason),
    });
  }

  send(bytes: Uint8Array): void {
    const buffer = this.link.acquire(Lane.data, bytes.length);
    if (buffer === undefined) return;
    buffer.set(bytes);
    this.link.send(Lane.data, buffer, bytes.length);
    this.transport.flush();
  }

  envelope(fill: (header: EnvelopeHeader) => void, method?: AnyMethod, value: unknown = {}): Uint8Array {
    const header = new EnvelopeHeader();
    fill(header);
    const bytes = new Uint8Array(LARGEST_BYTES);
    const writer = new WireWriter(bytes);
    writeDelimitedEnvelope(writer, header, method?.request, method?.request.create(value));
    return bytes.slice(0, writer.size);
  }

  word(message: v1.LinkMessageInit): Uint8Array {
    const header = new EnvelopeHeader();
    header.mode = EnvelopeMode.link;
    const bytes = new Uint8Array(16_384);
    const writer = new WireWriter(bytes);
    writeDelimitedEnvelope(writer, header, v1.LinkMessage, v1.LinkMessage.create(message));
    return bytes.slice(0, writer.size);
  }

  /** The ends of streams that it was told of, with the code of their error. */
  get ends(): readonly (readonly [stream: number, elements: number, code: string | undefined])[] {
    return this.words.flatMap((word) =>
      word.case === 'streamEnd' ? [[word.value.stream, word.value.elements, word.value.error?.code] as const] : [],
    );
  }

  #read(lane: Lane, bytes: Uint8Array): void {
    this.frames++;
    const reader = new WireReader(bytes);
    for (let view = new EnvelopeView(); readDelimitedEnvelope(reader, view); view = new EnvelopeView()) {
      if (view.mode === EnvelopeMode.reply || view.mode === EnvelopeMode.failure) this.answers.push(view);
      if (view.mode !== EnvelopeMode.link) {
        this.heard[lane].push(MODES[view.mode] ?? '');
        continue;
      }
      const { message } = readValue(v1.LinkMessage, new WireReader(), bytes, view.valueStart, view.valueEnd);
      this.words.push(message);
      this.heard[lane].push(message.case ?? '');
    }
  }
}
