import { Deferred } from '../../deferred.js';
import { encode, type MessageType } from '../../protocol/index.js';
import { RingQueue } from '../../ring-queue.js';
import type { Runtime, TopicSubscription } from '../runtime/index.js';

/** The messages of one topic that wait for one client: the newest ones. */
export class TopicReader {
  readonly #most: number;
  readonly #messages = new RingQueue<Uint8Array>();
  #arrived = new Deferred<void>();
  #missed = 0;
  #isOver = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Messages that were dropped because the client was too slow. */
  get missed(): number {
    return this.#missed;
  }

  put(message: Uint8Array): void {
    if (this.#messages.size >= this.#most) {
      this.#messages.shift();
      this.#missed++;
    }
    this.#messages.push(message);
    this.#wake();
  }

  /** The oldest message; undefined when the reader has ended. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#messages.size === 0 && !this.#isOver) await this.#arrived.promise;
    return this.#isOver ? undefined : this.#messages.shift();
  }

  end(): void {
    this.#isOver = true;
    this.#messages.clear();
    this.#wake();
  }

  #wake(): void {
    const arrived = this.#arrived;
    this.#arrived = new Deferred();
    arrived.resolve();
  }
}

interface Feed {
  readonly readers: Set<TopicReader>;
  readonly subscription: Promise<TopicSubscription>;
}

/** The topics that clients read. Each has one subscription of this process, and each message is encoded once for all clients. */
export class TopicFeeds {
  readonly #runtime: Runtime;
  readonly #feeds = new Map<string, Feed>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Adds a reader. Resolves when messages arrive for it; rejects as `runtime.topic` does. */
  async open(type: MessageType<unknown, never>, name: string, reader: TopicReader): Promise<void> {
    const key = `${type.typeName} ${name}`;
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      const readers = new Set<TopicReader>();
      const opened: Feed = { readers, subscription: this.#subscribe(type, name, readers) };
      feed = opened;
      this.#feeds.set(key, opened);
      // Another one may have its place by then.
      opened.subscription.catch(() => this.#feeds.get(key) === opened && this.#feeds.delete(key));
    }
    feed.readers.add(reader);
    await feed.subscription;
  }

  /** Removes a reader. The subscription ends with the last one. */
  async close({ typeName }: MessageType<unknown, never>, name: string, reader: TopicReader): Promise<void> {
    reader.end();
    const key = `${typeName} ${name}`;
    const feed = this.#feeds.get(key);
    if (feed === undefined || !feed.readers.delete(reader) || feed.readers.size > 0) return;
    this.#feeds.delete(key);
    const subscription = await feed.subscription.catch(() => undefined);
    await subscription?.close();
  }

  async #subscribe(
    type: MessageType<unknown, never>,
    name: string,
    readers: ReadonlySet<TopicReader>,
  ): Promise<TopicSubscription> {
    const topic = await this.#runtime.topic(type, name);
    return topic.subscribe((message) => {
      if (readers.size === 0) return;
      const bytes = encode<unknown, unknown>(type, message);
      for (const reader of readers) reader.put(bytes);
    });
  }
}
