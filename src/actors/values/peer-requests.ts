import { Deferred } from '../../deferred.js';
import { StoppedError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../../descriptors/index.js';
import type { ActorRef, Context, Stream } from '../kernel/index.js';

/** Messages of one request. */
const BATCH_MESSAGES = 256;

export interface PeerRequestsOptions {
  readonly name: PeerIncarnation;
  /** The exchange of the peer. */
  readonly ref: ActorRef<v1.Descriptors>;
  /** Of the actor that sends: requests are sent in its turns, so the peer knows their sender. Undefined before it has started: then `start` follows. */
  readonly context: Context | undefined;
  readonly settled: (receipts: readonly v1.ObjectReceipt[]) => void;
  /** The peer has answered that nobody holds these objects of it any more. */
  readonly freed: (objects: readonly number[]) => void;
}

/** A fetch that is to be opened. */
interface Opening {
  readonly request: v1.FetchRequestInit;
  readonly pieces: Deferred<Stream<v1.FetchedPiece>>;
}

/**
 * What one peer is told and asked, in order, one request at a time. A request is repeated until it is answered, because the link may be lost; all
 * of them may be handled twice. They end with the peer.
 */
export class PeerRequests {
  readonly name: PeerIncarnation;
  readonly ref: ActorRef<v1.Descriptors>;
  #context: Context | undefined;
  readonly #settled: PeerRequestsOptions['settled'];
  readonly #freed: PeerRequestsOptions['freed'];
  #messages: v1.DescriptorControl[] = [];
  #questions: v1.ObjectReceipt[] = [];
  #fetches: Opening[] = [];
  #isBusy = false;
  #isEnded = false;

  constructor({ name, ref, context, settled, freed }: PeerRequestsOptions) {
    this.name = name;
    this.ref = ref;
    this.#context = context;
    this.#settled = settled;
    this.#freed = freed;
  }

  /** The actor that sends has started. */
  start(context: Context): void {
    this.#context = context;
    if (this.#messages.length > 0 || this.#questions.length > 0) this.#sendSoon();
    this.#fetchSoon();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  tell(message: v1.DescriptorControlInit): void {
    this.#messages.push(v1.DescriptorControl.create(message));
    this.#sendSoon();
  }

  ask(receipts: readonly v1.ObjectReceiptInit[]): void {
    if (receipts.length === 0) return;
    this.#questions.push(...receipts.map((receipt) => v1.ObjectReceipt.create(receipt)));
    this.#sendSoon();
  }

  /** Asks for bytes of an object of the peer, at any time: fetches do not wait for other requests. Rejects with UnreachableError when the peer ends before. */
  fetch(request: v1.FetchRequestInit): Promise<Stream<v1.FetchedPiece>> {
    const pieces = new Deferred<Stream<v1.FetchedPiece>>();
    this.#fetches.push({ request, pieces });
    this.#fetchSoon();
    return pieces.promise;
  }

  /** The peer has ended: nothing more is sent. */
  end(): void {
    this.#isEnded = true;
    this.#messages = [];
    this.#questions = [];
    this.#fetchSoon();
  }

  #fetchSoon(): void {
    const context = this.#context;
    if (this.#fetches.length === 0) return;
    if (this.#isEnded) return this.#refuseFetches();
    if (context === undefined) return;
    try {
      context.pipe(Promise.resolve(), () => this.#openFetches());
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
      this.#refuseFetches();
    }
  }

  #openFetches(): void {
    for (const { request, pieces } of this.#takeFetches()) pieces.resolve(this.ref.fetch(request));
  }

  #refuseFetches(): void {
    const error = new UnreachableError(
      `Partition ${this.name} has ended, or this one: a value of it cannot be fetched.`,
    );
    for (const { pieces } of this.#takeFetches()) pieces.reject(error);
  }

  #takeFetches(): readonly Opening[] {
    const fetches = this.#fetches;
    this.#fetches = [];
    return fetches;
  }

  #sendSoon(): void {
    const context = this.#context;
    if (this.#isBusy || this.#isEnded || context === undefined) return;
    try {
      context.pipe(Promise.resolve(), () => this.#send());
      this.#isBusy = true;
    } catch (error) {
      // This partition is stopping. Its peers learn that from the end of its exchange.
      if (!(error instanceof StoppedError)) throw error;
    }
  }

  #send(): void {
    this.#isBusy = false;
    if (this.#isEnded) return;
    if (this.#questions.length > 0) this.#sendQuestions(this.#questions.slice(0, BATCH_MESSAGES));
    else if (this.#messages.length > 0) this.#sendMessages(this.#messages.slice(0, BATCH_MESSAGES));
  }

  #sendQuestions(receipts: readonly v1.ObjectReceipt[]): void {
    this.#await(this.ref.settle({ receipts }, { timeoutMs: limits.descriptorRetryMs }), (reply) => {
      this.#questions.splice(0, receipts.length);
      this.#settled(reply.receipts);
    });
  }

  #sendMessages(messages: readonly v1.DescriptorControl[]): void {
    this.#await(this.ref.control({ messages }, { timeoutMs: limits.descriptorRetryMs }), ({ objects }) => {
      this.#messages.splice(0, messages.length);
      this.#freed(objects);
    });
  }

  #await<T>(reply: Promise<T>, answered: (reply: T) => unknown): void {
    this.#isBusy = true;
    this.#context?.pipe(
      reply,
      (value) => {
        try {
          if (!this.#isEnded) answered(value);
        } finally {
          this.#send();
        }
      },
      // Whatever the cause is: it is sent again until it is answered, or the end of the peer is proven.
      () => void this.#context?.after(limits.descriptorRetryMs, () => this.#send()),
    );
  }
}
