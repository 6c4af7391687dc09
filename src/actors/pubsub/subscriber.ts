import { Deferred } from '../../deferred.js';
import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import { ReplicaMirror } from '../control-plane/index.js';
import {
  type ActorRef,
  type Behavior,
  behavior,
  type Context,
  holdFields,
  isSentBy,
  linkOf,
  type MessageLink,
  type UntypedRef,
} from '../kernel/index.js';
import { forCaller } from '../../protocol/errors/index.js';
import { type Element, type ElementType, type SubscriberService, subscriberService } from './element.js';
import { RingQueue } from '../../ring-queue.js';
import { IncomingStream, type Window } from './incoming-stream.js';
import { referenceOf } from './member.js';

export interface SubscriberOptions<T> {
  /** Name of the port, for error messages. */
  readonly port: string;
  /** Id of this reader within the port. */
  readonly id: number;
  readonly type: ElementType<T>;
  /** Most that each writer may send before it is read. Default: limits.streamItems and limits.streamBytes. */
  readonly window?: Partial<Window>;
  /** Called for each element that has arrived in its order, with its writer; not for those that are dropped. Must not throw. */
  readonly arrived?: (value: T, writer: UntypedRef) => void;
  /** Called for each element that had arrived, and that nobody will read. */
  readonly discarded?: (value: T) => void;
}

interface Writer {
  readonly id: number;
  readonly publisher: ActorRef<v1.Publisher>;
  readonly stream: IncomingStream;
  /** Over which its messages have come; undefined before the first one, and within a partition. */
  link: MessageLink | undefined;
}

interface Arrived<T> {
  readonly value: T;
  readonly sizeBytes: number;
  readonly writer: Writer;
  /** Memory of its borrowed fields. */
  readonly memory: readonly Disposable[];
}

/**
 * The reading end of a port. The user iterates it. Reading an element returns credit to its writer. It ends when all expected writers
 * have joined, and all have ended in band.
 */
export class Subscriber<T> implements AsyncIterable<T> {
  readonly service: SubscriberService<T>;
  /** Elements that the user has read. */
  read = 0;
  readonly #options: SubscriberOptions<T>;
  readonly #window: Window;
  readonly #writers = new Map<number, Writer>();
  readonly #membership = new ReplicaMirror();
  readonly #queue = new RingQueue<Arrived<T>>();
  readonly #waiting = new RingQueue<Deferred<IteratorResult<T, undefined>>>();
  /** Memory of borrowed fields of elements that the user has. */
  readonly #lent: Disposable[] = [];
  #isComplete = false;
  /** A writer has left without an end: its remaining elements are lost, so this input never completes. */
  #isBroken = false;
  #closed: MillraceError | undefined;
  /** Why the reads fail, once what has arrived is read. */
  #failure: MillraceError | undefined;

  constructor(options: SubscriberOptions<T>) {
    this.#options = options;
    this.service = subscriberService(options.type);
    this.#window = checkWindow({ items: limits.streamItems, bytes: limits.streamBytes, ...options.window });
  }

  /** Elements that have arrived and were not read. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Connected writers that have not ended. */
  get references(): number {
    let open = 0;
    for (const { stream } of this.#writers.values()) {
      open += stream.isEnded ? 0 : 1;
    }
    return open;
  }

  /** The actor that receives the messages of writers and of the manifold. */
  behavior(): Behavior<SubscriberService<T>, undefined> {
    return behavior(this.service, {
      supervision: 'resume',
      rewire: (_state, membership, context) => ({ nonce: this.#rewire(membership, context) }),
      element: (_state, element, context) => this.#element(element, context),
      end: (_state, { writer, sequence }, context) => this.#end(this.#writer(writer, context), sequence),
      probe: (_state, { writer, sequence }, context) => this.#probe(this.#writer(writer, context), sequence),
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.release();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** The user is done with the elements that it has: their borrowed fields are given back. The next read does that as well. */
  release(): void {
    giveBack(this.#lent.splice(0));
  }

  /** Stops reading. Pending reads reject with `error`. */
  close(error: MillraceError = new StoppedError(`Reading port "${this.#options.port}" was stopped.`)): void {
    this.#closed ??= error;
    for (let reader = this.#waiting.shift(); reader !== undefined; reader = this.#waiting.shift()) {
      reader.reject(forCaller(error));
    }
    for (let arrived = this.#queue.shift(); arrived !== undefined; arrived = this.#queue.shift()) {
      this.#options.discarded?.(arrived.value);
      giveBack(arrived.memory);
    }
  }

  /** Nothing more will arrive. Reads reject with `error` when all that has arrived was read, unless that is the whole stream. */
  fail(error: MillraceError): void {
    if (this.#isFinished || this.#closed !== undefined) return;
    this.#failure ??= error;
    for (let reader = this.#waiting.shift(); reader !== undefined; reader = this.#waiting.shift()) {
      reader.reject(forCaller(error));
    }
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    this.release();
    if (this.#closed !== undefined) {
      return Promise.reject(forCaller(this.#closed));
    }
    const arrived = this.#queue.shift();
    if (arrived !== undefined) {
      this.#credit(arrived.writer, arrived.sizeBytes);
      this.#lent.push(...arrived.memory);
      return Promise.resolve({ done: false, value: arrived.value });
    }
    if (this.#isFinished) {
      return Promise.resolve({ done: true, value: undefined });
    }
    if (this.#failure !== undefined) {
      return Promise.reject(forCaller(this.#failure));
    }
    const next = new Deferred<IteratorResult<T, undefined>>();
    this.#waiting.push(next);
    return next.promise;
  }

  get #isFinished(): boolean {
    return this.#isComplete && !this.#isBroken && this.references === 0;
  }

  #credit(writer: Writer, sizeBytes: number): void {
    this.read++;
    writer.stream.read(sizeBytes);
    if (!writer.stream.isEnded && writer.stream.isGrantDue) {
      this.#grant(writer, false);
    }
  }

  #grant({ publisher, stream }: Writer, hasGap: boolean): void {
    publisher.grant({ reader: this.#options.id, ...stream.grant(), received: stream.received, hasGap });
  }

  #rewire(membership: v1.Membership, context: Context): number {
    const joined = membership.joined.map((member) => ({ id: member.id, ref: referenceOf(member) }));
    if (this.#membership.accept(membership) === 'apply') {
      const present = new Set(joined.map(({ id }) => id));
      const left = membership.isSnapshot ? [...this.#writers.keys()].filter((id) => !present.has(id)) : membership.left;
      for (const { id, ref } of joined) {
        if (!this.#writers.has(id)) {
          this.#joined(id, context.ref(v1.Publisher, ref));
        }
      }
      for (const id of left) {
        this.#left(id, membership.ended.includes(id));
      }
      this.#isComplete = membership.isComplete;
      this.#finishWaiting();
    }
    return this.#membership.nonce;
  }

  #joined(id: number, publisher: ActorRef<v1.Publisher>): void {
    const writer = { id, publisher, stream: new IncomingStream(this.#window), link: undefined };
    this.#writers.set(id, writer);
    this.#grant(writer, false);
  }

  /** Nothing is missing of a writer that had ended before it left, even if its end has not arrived. */
  #left(id: number, hasEnded: boolean): void {
    this.#isBroken ||= this.#writers.get(id)?.stream.isEnded === false && !hasEnded;
    this.#writers.delete(id);
  }

  #element({ writer: id, sequence, value, sizeBytes }: Element<T>, context: Context): void {
    const writer = this.#writer(id, context);
    if (writer === undefined || !this.#isNext(writer, sequence)) {
      return;
    }
    this.#options.arrived?.(value, writer.publisher);
    if (this.#closed !== undefined) {
      this.#options.discarded?.(value);
      return;
    }
    const memory = holdFields(this.#options.type, value, context);
    const reader = this.#waiting.shift();
    if (reader === undefined) {
      this.#queue.push({ value, sizeBytes, writer, memory });
      return;
    }
    this.#credit(writer, sizeBytes);
    this.#lent.push(...memory);
    reader.resolve({ done: false, value });
  }

  /** The writer in whose name a message has come; undefined where another partition has sent that. */
  #writer(id: number, context: Context): Writer | undefined {
    const writer = this.#writers.get(id);
    const link = linkOf(context);
    if (writer === undefined || link === undefined || link === writer.link) return writer;
    if (!isSentBy(context, writer.publisher.toRef())) return undefined;
    writer.link = link;
    return writer;
  }

  #end(writer: Writer | undefined, sequence: number): void {
    if (writer === undefined) {
      return;
    }
    if (this.#isNext(writer, sequence)) {
      writer.stream.isEnded = true;
    }
    if (writer.stream.isEnded) {
      this.#grant(writer, false);
      this.#finishWaiting();
    }
  }

  #isNext(writer: Writer, sequence: number): boolean {
    const arrival = writer.stream.arrive(sequence);
    if (arrival === 'gap' && writer.stream.noteGap()) {
      this.#grant(writer, true);
    }
    return arrival === 'next';
  }

  #probe(writer: Writer | undefined, sequence: number): void {
    if (writer !== undefined) {
      this.#grant(writer, sequence > writer.stream.received);
    }
  }

  #finishWaiting(): void {
    if (!this.#isFinished) {
      return;
    }
    for (let reader = this.#waiting.shift(); reader !== undefined; reader = this.#waiting.shift()) {
      reader.resolve({ done: true, value: undefined });
    }
  }
}

function giveBack(memory: readonly Disposable[]): void {
  for (const held of memory) held[Symbol.dispose]();
}

function checkWindow(window: Window): Window {
  for (const [name, value] of Object.entries(window)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ConfigError(`The ${name} of a window must be a whole number, 1 or more; got ${String(value)}.`);
    }
  }
  return window;
}
