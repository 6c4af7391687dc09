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
import { RingEndpoint } from './ring-endpoint.js';

/** Callbacks of the rings to a link. */
export interface RingListener {
  received(lane: Lane, offset: number, length: number, position: number): void;
  sent(lane: Lane, length: number): void;
  connected(): void;
  announced(lane: Lane, length: number): void;
  receivedBlock(lane: Lane, length: number): void;
  /** The peer has granted credit. */
  granted(): void;
  /** The link has failed. This is its last callback. */
  failed(status: number, reason: string): void;
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
 * The submission and completion rings of this thread. We write submissions into memory shared with the shim. One call, `turn`, makes the
 * shim take them, lets UCX work, and writes completions.
 */
export class Rings {
  readonly shim: Shim;
  readonly #engine: EnginePointer;
  readonly #words: Uint32Array;
  readonly #submissions: Uint32Array;
  readonly #completions: Uint32Array;
  readonly #listeners: (RingListener | undefined)[] = Array.from({ length: MAX_LINKS });
  readonly #handles = new Uint32Array(MAX_LINKS);
  /** Views by address of the slab memory: the shim reuses slabs, and a view can be reused with them. */
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

  /** True if there are completions to dispatch. */
  get hasNews(): boolean {
    const words = this.#words;
    return words[CONTROL.completionTail] !== words[CONTROL.completionHead];
  }

  /** Opens this end of a link. Throws ResourceError if UCX cannot, or there are already `MAX_LINKS`. */
  open(fabric: Fabric, devices: string | undefined, token: bigint): RingEndpoint {
    const { shim } = this;
    const handle = shim.linkOpen(this.#engine, fabric, devices ?? null, token);
    if (handle < 0) throw this.failure('A UCX link cannot be opened');
    const memory = shim.linkSlabs(this.#engine, handle);
    if (memory === null) throw this.failure('A UCX link has no memory');
    const slot = handle % MAX_LINKS;
    const words = this.#words.subarray(rings.links / 4 + slot * LINK_WORDS, rings.links / 4 + (slot + 1) * LINK_WORDS);
    this.#handles[slot] = handle;
    return new RingEndpoint({ rings: this, engine: this.#engine, handle, words, slabs: this.#view(memory) });
  }

  /** Sets the listener of the link. */
  listen(handle: number, listener: RingListener): void {
    this.#listeners[handle % MAX_LINKS] = listener;
  }

  /** Removes the listener of the link. */
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

  /** Submits a grant for the frames read. It leaves with the next turn. */
  grant(link: number): void {
    this.submit(Submit.grant, link, 0, 0, 0);
  }

  /** Makes the shim take the submissions and lets UCX work. Returns the number of completions to dispatch. */
  turn(spinUs: number): number {
    if (this.#isClosed) return 0;
    return this.shim.turn(this.#engine, spinUs);
  }

  /** Arms the event fd. 1: it will report news. 0: take another turn first. 2: as 1, but frames wait for a peer that does not read. */
  arm(): number {
    return this.shim.arm(this.#engine);
  }

  /** Dispatches the completions to their links. Returns true if something has arrived from a peer. */
  dispatch(): boolean {
    let hasArrived = false;
    const words = this.#words;
    const completions = this.#completions;
    const tail = words[CONTROL.completionTail] ?? 0;
    // A listener may close the rings. Their memory must not be read after that.
    for (let head = words[CONTROL.completionHead] ?? 0; head !== tail && !this.#isClosed; head = (head + 1) >>> 0) {
      const at = (head % COMPLETIONS) * COMPLETION_WORDS;
      const link = completions[at + 1] ?? 0;
      const listener = this.#handles[link % MAX_LINKS] === link ? this.#listeners[link % MAX_LINKS] : undefined;
      words[CONTROL.completionHead] = head + 1;
      if (completions[at] !== Complete.sent) hasArrived = true;
      if (listener !== undefined) this.#tell(listener, completions, at);
    }
    return hasArrived;
  }

  failure(what: string): ResourceError {
    return new ResourceError(`${what}: ${this.shim.lastReason()}.`);
  }

  /** Closes all links at once. Idempotent. */
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
        return listener.failed((entries[at + 6] ?? 0) | 0, this.shim.linkReason(this.#engine, entries[at + 1] ?? 0));
      default:
        return listener.failed(
          Status.badArgument,
          `the completion ring has an entry of the unknown kind ${entries[at]}`,
        );
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
