import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { copyOf, poison } from './buffers.js';
import type { Wait } from './clock.js';
import type { Environment } from './environment.js';
import type { Faults } from './faults.js';
import type { TracedFrame, TracedLink } from './trace.js';

/** Credit that a frame takes beyond its bytes, so that empty frames are bounded too. */
const FRAME_COST_BYTES = 64;

/** What a flow has to know of the two ends that it joins. */
export interface Crossing {
  /** Frames must wait: the receiver is not there yet, or the cable is cut and may heal. */
  isHeld(): boolean;
  /** Frames that arrive go nowhere: the receiver has closed, or the cable is cut. */
  isDead(): boolean;
  /** Hands a frame to the receiver. */
  deliver(lane: Lane, bytes: Uint8Array): void;
  /** Frames have landed: there is credit again, and perhaps nothing left in flight. */
  landed(lane: Lane): void;
}

interface Flight extends TracedFrame {
  /** It lands at this time or, so that the lane keeps its order, when those before it have. */
  readonly dueMs: number;
  readonly costBytes: number;
  readonly isLost: boolean;
}

/**
 * The frames of one lane in one direction: handed over, then on their way, then landed. They keep their order, whatever
 * the latency draws; credit is taken from hand-over until the receiver has read the frame.
 */
export class LaneFlow {
  readonly lane: Lane;
  readonly #link: TracedLink;
  readonly #faults: Faults;
  readonly #environment: Environment;
  readonly #crossing: Crossing;
  readonly #land = (): void => this.#landDue();
  #unsent: Uint8Array[] = [];
  #flights: Flight[] = [];
  #bytesInFlight = 0;
  #sequence = 0;
  #wait: Wait | undefined;

  constructor(lane: Lane, link: TracedLink, faults: Faults, environment: Environment, crossing: Crossing) {
    this.lane = lane;
    this.#link = link;
    this.#faults = faults;
    this.#environment = environment;
    this.#crossing = crossing;
  }

  get framesInFlight(): number {
    return this.#unsent.length + this.#flights.length;
  }

  /** Credit taken. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** A frame larger than the window has credit when it is alone. */
  hasCredit(sizeBytes: number): boolean {
    const inFlight = this.#bytesInFlight;
    return inFlight === 0 || inFlight + sizeBytes + FRAME_COST_BYTES <= limits.linkWindowBytes;
  }

  /** Takes a copy, which leaves with the next `depart`. */
  push(bytes: Uint8Array): void {
    this.#bytesInFlight += bytes.length + FRAME_COST_BYTES;
    this.#unsent.push(copyOf(bytes));
  }

  depart(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const bytes of unsent) this.#launch(bytes);
    this.#arm();
  }

  /** Goes on after the receiver came or the cable was healed; held frames arrive `delayMs` from now. */
  resume(delayMs: number): void {
    const dueMs = this.#environment.clock.now() + delayMs;
    this.#flights = this.#flights.map((flight) => ({ ...flight, dueMs: Math.max(flight.dueMs, dueMs) }));
    this.#environment.clock.cancel(this.#wait);
    this.#wait = undefined;
    this.#arm();
  }

  /** Loses whatever is on its way. */
  discard(): void {
    this.#environment.clock.cancel(this.#wait);
    this.#wait = undefined;
    for (const flight of this.#flights) this.#environment.trace.frame('lost', flight);
    this.#flights = [];
    this.#unsent = [];
    this.#bytesInFlight = 0;
  }

  #launch(bytes: Uint8Array): void {
    const { clock, chance, trace } = this.#environment;
    this.#sequence += 1;
    const flight: Flight = {
      link: this.#link,
      lane: this.lane,
      sequence: this.#sequence,
      bytes,
      dueMs: clock.now() + chance.latencyMs(this.#faults),
      costBytes: bytes.length + FRAME_COST_BYTES,
      isLost: chance.isLost(this.#faults),
    };
    trace.frame('sent', flight);
    this.#flights.push(flight);
    if (chance.overtakes(this.#faults)) this.#overtake();
    if (!chance.isDuplicated(this.#faults)) return;
    trace.frame('duplicated', flight);
    this.#flights.push({ ...flight, bytes: copyOf(bytes), costBytes: 0, isLost: false });
  }

  /** The last frame and the one before it change places; each place keeps its time. */
  #overtake(): void {
    const last = this.#flights.at(-1);
    const before = this.#flights.at(-2);
    if (last === undefined || before === undefined) return;
    this.#environment.trace.frame('reordered', last);
    this.#flights.splice(-2, 2, { ...last, dueMs: before.dueMs }, { ...before, dueMs: last.dueMs });
  }

  #arm(): void {
    const next = this.#flights[0];
    if (next === undefined || this.#wait !== undefined || this.#crossing.isHeld()) return;
    const { clock } = this.#environment;
    this.#wait = clock.after(next.dueMs - clock.now(), this.#land);
  }

  /** Frames sent while this runs have a turn of their own. */
  #landDue(): void {
    this.#wait = undefined;
    const nowMs = this.#environment.clock.now();
    try {
      for (let left = this.#flights.length; left > 0; left -= 1) {
        const flight = this.#flights[0];
        if (flight === undefined || flight.dueMs > nowMs || this.#crossing.isHeld()) break;
        this.#flights.shift();
        this.#landOne(flight);
      }
    } finally {
      this.#arm();
      this.#crossing.landed(this.lane);
    }
  }

  #landOne(flight: Flight): void {
    const isLost = flight.isLost || this.#crossing.isDead();
    this.#environment.trace.frame(isLost ? 'lost' : 'delivered', flight);
    try {
      if (!isLost) this.#crossing.deliver(this.lane, flight.bytes);
    } finally {
      poison(flight.bytes);
      // After `discard` nothing is in flight any more.
      this.#bytesInFlight = Math.max(0, this.#bytesInFlight - flight.costBytes);
    }
  }
}
