import { Lane } from '../../protocol/index.js';
import type { Clock } from './clock.js';

/** What the trace needs to know about a frame. */
export interface TracedFrame {
  readonly link: TracedLink;
  readonly lane: Lane;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** One direction of a link. */
export interface TracedLink {
  readonly number: number;
  readonly from: string;
  readonly to: string;
}

/** Writes one line per event to the sink. Does nothing without a sink. */
export class Trace {
  readonly #clock: Clock;
  readonly #sink: ((line: string) => void) | undefined;

  constructor(clock: Clock, sink: ((line: string) => void) | undefined) {
    this.#clock = clock;
    this.#sink = sink;
  }

  frame(event: 'sent' | 'delivered' | 'lost' | 'duplicated' | 'reordered', frame: TracedFrame): void {
    if (this.#sink === undefined) return;
    const lane = frame.lane === Lane.control ? 'control' : 'data';
    // Loaded on first use: most programs trace nothing, and start faster without zlib.
    const { crc32 } = process.getBuiltinModule('node:zlib');
    const checksum = crc32(frame.bytes).toString(16).padStart(8, '0');
    const content = `lane=${lane} sequence=${frame.sequence} length=${frame.bytes.length} checksum=${checksum}`;
    this.#write(`${event} ${linkText(frame.link)} ${content}`);
  }

  opened(link: TracedLink): void {
    this.#write(`opened ${linkText(link)}`);
  }

  closed(link: TracedLink, reason: string): void {
    this.#write(`closed ${linkText(link)} reason=${reason}`);
  }

  refused(from: string, to: string): void {
    this.#write(`refused from=${from} to=${to}`);
  }

  /** A fault injected into the network. */
  fault(event: 'crash' | 'restart' | 'partition' | 'heal' | 'calm', what = ''): void {
    this.#write(what === '' ? event : `${event} ${what}`);
  }

  #write(event: string): void {
    this.#sink?.(`${this.#clock.now().toFixed(3)} ${event}`);
  }
}

function linkText(link: TracedLink): string {
  return `link=${link.number} from=${link.from} to=${link.to}`;
}
