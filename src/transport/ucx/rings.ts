import { ResourceError } from '../../errors.js';
import type { Lane } from '../../protocol/index.js';
import {
  COMPLETIONS,
  Complete,
  completion,
  control,
  type Fabric,
  linkWords,
  MAX_LINKS,
  rings,
  SUBMISSIONS,
  Status,
  Submit,
  slabs,
  submission,
} from './abi.js';
import { type EnginePointer, owningThread, type Shim } from './library.js';
import { Seat } from './seat.js';

/** What a link is told of its rings. */
export interface RingListener {
  received(lane: Lane, offset: number, length: number, position: number): void;
  sent(lane: Lane, length: number): void;
  connected(): void;
  announced(lane: Lane, length: number): void;
  receivedBlock(lane: Lane, length: number): void;
  /** There is credit that was not there before. */
  granted(): void;
  /** Nothing more comes. */
  faulted(status: number, reason: string): void;
}

const CONTROL = {
  submissionTail: control.submissionTail / 4,
  submissionHead: control.submissionHead / 4,
  completionHead: control.completionHead / 4,
  completionTail: control.completionTail / 4,
} as const;
const SUBMISSION_WORDS = submission.size / 4;
const COMPLETION_WORDS = completion.size / 4;
const LINK_WORDS = linkWords.size / 4;

/**
 * The rings of this thread: submissions are written into shared memory, and one call makes the shim take them, lets UCX work,
 * and leaves completions behind.
 */
export class Rings {
  readonly shim: Shim;
  readonly #engine: EnginePointer;
  readonly #words: Uint32Array;
  readonly #submissions: Uint32Array;
  readonly #completions: Uint32Array;
  readonly #listeners: (RingListener | undefined)[] = Array.from({ length: MAX_LINKS });
  readonly #handles = new Uint32Array(MAX_LINKS);
  /** Of slabs that were seen before: they are used again, and a second view of the same memory would be a waste. */
  readonly #views = new Map<bigint, ArrayBuffer>();
  #isClosed = false;

  constructor(shim: Shim) {
    this.shim = shim;
    const engine = shim.open(owningThread);
    const memory = engine === null ? null : shim.ringsOf(engine);
    if (engine === null || memory === null)
      throw new ResourceError(`The UCX rings cannot be opened: ${shim.lastReason()}.`);
    this.#engine = engine;
    const buffer = shim.koffi.view(memory, rings.size);
    this.#words = new Uint32Array(buffer, 0, rings.submissions / 4);
    this.#submissions = new Uint32Array(buffer, rings.submissions, SUBMISSIONS * SUBMISSION_WORDS);
    this.#completions = new Uint32Array(buffer, rings.completions, COMPLETIONS * COMPLETION_WORDS);
  }

  get eventFd(): number {
    return this.shim.eventFd(this.#engine);
  }

  /** Completions wait to be taken. */
  get hasNews(): boolean {
    const words = this.#words;
    return words[CONTROL.completionTail] !== words[CONTROL.completionHead];
  }

  /** Opens this end of a link. ResourceError when UCX cannot, or there are `MAX_LINKS` already. */
  open(fabric: Fabric, devices: string | undefined, token: bigint): Seat {
    const { shim } = this;
    const handle = shim.linkOpen(this.#engine, fabric, devices ?? null, token);
    if (handle < 0) throw this.failure('A UCX link cannot be opened');
    const memory = shim.linkSlabs(this.#engine, handle);
    if (memory === null) throw this.failure('A UCX link has no memory');
    const slot = handle % MAX_LINKS;
    const words = this.#words.subarray(rings.links / 4 + slot * LINK_WORDS, rings.links / 4 + (slot + 1) * LINK_WORDS);
    this.#handles[slot] = handle;
    return new Seat({ rings: this, engine: this.#engine, handle, words, slabs: this.#view(memory) });
  }

  /** From here on `listener` hears of the link. */
  listen(handle: number, listener: RingListener): void {
    this.#listeners[handle % MAX_LINKS] = listener;
  }

  /** Nobody hears of the link any more. */
  forget(handle: number): void {
    this.#listeners[handle % MAX_LINKS] = undefined;
    this.#handles[handle % MAX_LINKS] = 0;
  }

  submit(kind: number, link: number, lane: number, offset: number, length: number): void {
    if (this.#isClosed) return;
    const words = this.#words;
    const tail = words[CONTROL.submissionTail] ?? 0;
    if ((tail - (words[CONTROL.submissionHead] ?? 0)) >>> 0 >= SUBMISSIONS) this.turn(0);
    const submissions = this.#submissions;
    const at = (tail % SUBMISSIONS) * SUBMISSION_WORDS;
    submissions[at] = kind;
    submissions[at + 1] = link;
    submissions[at + 2] = lane;
    submissions[at + 3] = offset;
    submissions[at + 4] = length;
    words[CONTROL.submissionTail] = tail + 1;
  }

  /** Tells the peer at the next turn what was read. */
  grant(link: number): void {
    this.submit(Submit.grant, link, 0, 0, 0);
  }

  /** The one call of a turn: hands over what was submitted, lets UCX work; gives the completions that wait. */
  turn(spinUs: number): number {
    if (this.#isClosed) return 0;
    return this.shim.turn(this.#engine, spinUs);
  }

  /** 1: the event fd will tell. 0: take another turn. 2: it will tell, but a peer that does not read holds up what was sent. */
  arm(): number {
    return this.shim.arm(this.#engine);
  }

  /** Hands the completions that wait to their links. */
  dispatch(): void {
    const words = this.#words;
    const completions = this.#completions;
    const tail = words[CONTROL.completionTail] ?? 0;
    // A listener may close all this: the memory is another's then.
    for (let head = words[CONTROL.completionHead] ?? 0; head !== tail && !this.#isClosed; head = (head + 1) >>> 0) {
      const at = (head % COMPLETIONS) * COMPLETION_WORDS;
      const link = completions[at + 1] ?? 0;
      const listener = this.#handles[link % MAX_LINKS] === link ? this.#listeners[link % MAX_LINKS] : undefined;
      words[CONTROL.completionHead] = head + 1;
      if (listener !== undefined) this.#tell(listener, completions, at);
    }
  }

  failure(what: string): ResourceError {
    return new ResourceError(`${what}: ${this.shim.lastReason()}.`);
  }

  /** Ends all links at once. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.fill(undefined);
    this.shim.close(this.#engine);
  }

  #tell(listener: RingListener, entries: Uint32Array, at: number): void {
    const lane = (entries[at + 2] ?? 0) as Lane;
    const length = entries[at + 4] ?? 0;
    switch (entries[at]) {
      case Complete.received:
        return listener.received(lane, entries[at + 3] ?? 0, length, entries[at + 5] ?? 0);
      case Complete.sent:
        return listener.sent(lane, length);
      case Complete.granted:
        return listener.granted();
      case Complete.connected:
        return listener.connected();
      case Complete.announced:
        return listener.announced(lane, length);
      case Complete.receivedBlock:
        return listener.receivedBlock(lane, length);
      case Complete.closed:
        return listener.faulted((entries[at + 6] ?? 0) | 0, this.shim.linkReason(this.#engine, entries[at + 1] ?? 0));
      default:
        return listener.faulted(Status.badArgument, `the rings hold an entry of kind ${entries[at]}`);
    }
  }

  #view(memory: bigint): ArrayBuffer {
    const known = this.#views.get(memory);
    if (known !== undefined) return known;
    const view = this.shim.koffi.view(memory, slabs.size);
    this.#views.set(memory, view);
    return view;
  }
}
