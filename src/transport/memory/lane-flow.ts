import type { Lane } from '../../protocol/index.js';
import type { FrameStore } from '../outgoing-lane.js';
import { FRAME_COST_BYTES } from '../incoming-lane.js';
import type { Wait } from './clock.js';
import type { Environment } from './environment.js';
import { type Faults, isReliable } from './faults.js';
import type { TracedFrame, TracedLink } from './trace.js';

/** Fills memory that the reader or the writer must no longer use. */
const POISON = 0xdb;

/** Views start inside their ArrayBuffer, as they do in a slab: code that ignores `byteOffset` fails here too. */
const OFFSET = 8;

/** Makes the buffers of a pseudo-network. */
export function allocate(sizeBytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(OFFSET + sizeBytes), OFFSET, sizeBytes);
}

/** The two ends of a flow, as the flow sees them. */
export interface FlowEnds {
  /** True while frames must wait: the receiver has no handlers yet, or the connection is cut and may heal. */
  isHeld(): boolean;
  /** True if frames that arrive are lost: the receiver has closed, or the connection is cut. */
  isDead(): boolean;
  /** Delivers a frame to the receiver. */
  deliver(lane: Lane, bytes: Uint8Array): void;
  /** Called after frames have arrived: they return credit, and there may be none left in flight. */
  arrived(lane: Lane): void;
}

interface InTransitFrame extends TracedFrame {
  /** It arrives at this time, or after the frames before it if that is later: a lane keeps its order. */
  readonly dueMs: number;
  readonly costBytes: number;
  readonly isLost: boolean;
}

/**
 * The frames of one lane in one direction: queued, then in transit, then delivered. They keep their order, whatever latencies are drawn.
 * A frame uses credit from `put` until it is no longer in flight.
 */
export class LaneFlow implements FrameStore {
  readonly lane: Lane;
  readonly #link: TracedLink;
  readonly #faults: Faults;
  readonly #environment: Environment;
  readonly #ends: FlowEnds;
  readonly #deliverTurn = (): void => this.#deliverDue();
  #unsent: Uint8Array[] = [];
  #inTransit: InTransitFrame[] = [];
  /** The cost of all frames sent, of those that are no longer in flight, and of those that the receiver has read. */
  #sent = 0;
  #passed = 0;
  #taken = 0;
  #sequence = 0;
  #wait: Wait | undefined;

  constructor(lane: Lane, link: TracedLink, faults: Faults, environment: Environment, ends: FlowEnds) {
    this.lane = lane;
    this.#link = link;
    this.#faults = faults;
    this.#environment = environment;
    this.#ends = ends;
  }

  get framesInFlight(): number {
    return this.#unsent.length + this.#inTransit.length;
  }

  /** The cost of the frames that are no longer in flight: their credit is free again. */
  get passed(): number {
    return this.#passed;
  }

  /** See Link.taken. */
  get taken(): number {
    return this.#taken;
  }

  lend(sizeBytes: number): Uint8Array {
    return this.#environment.buffers.take(sizeBytes);
  }

  /** Queues a copy of the frame. It leaves with the next `transmit`. */
  put(buffer: Uint8Array, length: number): void {
    this.#sent += length + FRAME_COST_BYTES;
    const bytes = buffer.subarray(0, length);
    this.#unsent.push(copyOf(bytes));
    poison(bytes);
    this.#environment.buffers.giveBack(buffer);
  }

  drop(buffer: Uint8Array): void {
    poison(buffer);
    this.#environment.buffers.giveBack(buffer);
  }

  transmit(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const bytes of unsent) this.#transmit(bytes);
    this.#arm();
  }

  /** Continues when the receiver has handlers or the connection was healed. Held frames arrive `delayMs` from now. */
  resume(delayMs: number): void {
    const dueMs = this.#environment.clock.now() + delayMs;
    this.#inTransit = this.#inTransit.map((frame) => ({ ...frame, dueMs: Math.max(frame.dueMs, dueMs) }));
    this.#environment.clock.cancel(this.#wait);
    this.#wait = undefined;
    this.#arm();
  }

  /** Loses all frames in flight. */
  discard(): void {
    this.#environment.clock.cancel(this.#wait);
    this.#wait = undefined;
    for (const frame of this.#inTransit) this.#environment.trace.frame('lost', frame);
    this.#inTransit = [];
    this.#unsent = [];
    this.#passed = this.#sent;
  }

  #transmit(bytes: Uint8Array): void {
    const { clock, chance, trace } = this.#environment;
    this.#sequence += 1;
    const frame: InTransitFrame = {
      link: this.#link,
      lane: this.lane,
      sequence: this.#sequence,
      bytes,
      dueMs: clock.now() + chance.latencyMs(this.#faults),
      costBytes: bytes.length + FRAME_COST_BYTES,
      isLost: chance.isLost(this.#faults),
    };
    trace.frame('sent', frame);
    this.#inTransit.push(frame);
    if (chance.overtakes(this.#faults)) this.#overtake();
    if (!chance.isDuplicated(this.#faults)) return;
    trace.frame('duplicated', frame);
    this.#inTransit.push({ ...frame, bytes: copyOf(bytes), costBytes: 0, isLost: false });
  }

  /** Swaps the last two frames; each position keeps its arrival time. */
  #overtake(): void {
    const last = this.#inTransit.at(-1);
    const before = this.#inTransit.at(-2);
    if (last === undefined || before === undefined) return;
    this.#environment.trace.frame('reordered', last);
    this.#inTransit.splice(-2, 2, { ...last, dueMs: before.dueMs }, { ...before, dueMs: last.dueMs });
  }

  #arm(): void {
    const next = this.#inTransit[0];
    if (next === undefined || this.#wait !== undefined || this.#ends.isHeld()) return;
    const { clock } = this.#environment;
    this.#wait = clock.after(next.dueMs - clock.now(), this.#deliverTurn);
  }

  /** Frames sent during this turn arrive in a later one. */
  #deliverDue(): void {
    this.#wait = undefined;
    const nowMs = this.#environment.clock.now();
    try {
      for (let left = this.#inTransit.length; left > 0; left -= 1) {
        const frame = this.#inTransit[0];
        if (frame === undefined || frame.dueMs > nowMs || this.#ends.isHeld()) break;
        this.#inTransit.shift();
        this.#deliverOne(frame);
      }
    } finally {
      this.#arm();
      this.#ends.arrived(this.lane);
    }
  }

  #deliverOne(frame: InTransitFrame): void {
    const isLost = frame.isLost || this.#ends.isDead();
    this.#environment.trace.frame(isLost ? 'lost' : 'delivered', frame);
    try {
      if (!isLost) this.#ends.deliver(this.lane, frame.bytes);
    } finally {
      poison(frame.bytes);
      // A reliable flow loses frames only when its receiver has closed. Those were not taken.
      if (!isLost || !isReliable(this.#faults)) this.#taken += frame.costBytes;
      // Not more: `discard` may have counted it in the meantime.
      this.#passed = Math.min(this.#sent, this.#passed + frame.costBytes);
    }
  }
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = allocate(bytes.length);
  copy.set(bytes);
  return copy;
}

function poison(bytes: Uint8Array): void {
  bytes.fill(POISON);
}
