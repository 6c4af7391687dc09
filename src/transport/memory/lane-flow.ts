import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { copyOf, poison } from './buffers.js';
import type { Wait } from './clock.js';
import type { Environment } from './environment.js';
import { type Faults, isReliable } from './faults.js';
import type { TracedFrame, TracedLink } from './trace.js';

/** Credit that a frame uses in addition to its bytes, so that empty frames are bounded too. */
const FRAME_COST_BYTES = 64;

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
 * A frame uses credit from `push` until the receiver has read it.
 */
export class LaneFlow {
  readonly lane: Lane;
  readonly #link: TracedLink;
  readonly #faults: Faults;
  readonly #environment: Environment;
  readonly #ends: FlowEnds;
  readonly #deliverTurn = (): void => this.#deliverDue();
  #unsent: Uint8Array[] = [];
  #inTransit: InTransitFrame[] = [];
  #bytesInFlight = 0;
  /** The cost of all frames that were pushed, and of those that the receiver has read. */
  #pushed = 0;
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

  /** Credit in use. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** See Link.taken. */
  get taken(): number {
    return this.#taken;
  }

  /** A frame larger than the window has credit when nothing else is in flight. */
  hasCredit(sizeBytes: number): boolean {
    const inFlight = this.#bytesInFlight;
    return inFlight === 0 || inFlight + sizeBytes + FRAME_COST_BYTES <= limits.linkWindowBytes;
  }

  /** Queues a copy of the frame. It leaves with the next `transmit`. Returns the total with this frame, as Link.send. */
  push(bytes: Uint8Array): number {
    this.#bytesInFlight += bytes.length + FRAME_COST_BYTES;
    this.#pushed += bytes.length + FRAME_COST_BYTES;
    this.#unsent.push(copyOf(bytes));
    return this.#pushed;
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
    this.#bytesInFlight = 0;
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
      // Not below 0: `discard` may have reset it in the meantime.
      this.#bytesInFlight = Math.max(0, this.#bytesInFlight - frame.costBytes);
    }
  }
}
