import { Lane } from '../../protocol/index.js';
import type { Clock } from './clock.js';

/** A frame, as the trace names it. */
export interface TracedFrame {
  readonly link: TracedLink;
  readonly lane: Lane;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** One direction of a link, as the trace names it. */
export interface TracedLink {
  readonly number: number;
  readonly from: string;
  readonly to: string;
}

/** Writes one line for each event to the sink; does nothing without one. */
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
    // Most programs trace nothing, and start sooner without it.
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

  /** Something done to the network itself. */
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
