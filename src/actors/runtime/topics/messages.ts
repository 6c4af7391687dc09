import { Deferred } from '../../../deferred.js';
import type { TopicHandler, TopicSubscription } from './topic.js';

const WINDOW_ITEMS = 16;

/** What one loop has not read yet. Its handler waits while that is as much as the window. */
class Unread<Message> {
  readonly #items: Message[] = [];
  readonly #windowItems: number;
  #changed = new Deferred<void>();
  #isOver = false;

  constructor(windowItems: number) {
    this.#windowItems = windowItems;
  }

  async put(message: Message): Promise<void> {
    this.#items.push(message);
    this.#wake();
    while (this.#items.length >= this.#windowItems && !this.#isOver) await this.#changed.promise;
  }

  /** Undefined when nothing will come any more. */
  async take(): Promise<{ readonly message: Message } | undefined> {
    while (this.#items.length === 0 && !this.#isOver) await this.#changed.promise;
    const [message] = this.#items.splice(0, 1).map((item) => ({ message: item }));
    this.#wake();
    return message;
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = new Deferred();
    changed.resolve();
  }
}

/** `onEnd` calls its argument when the runtime stops, and returns a function that takes that back. */
export async function* messagesOf<Message>(
  subscribe: (handler: TopicHandler<Message>) => Promise<TopicSubscription>,
  onEnd: (ended: () => void) => () => void,
  windowItems: number = WINDOW_ITEMS,
): AsyncGenerator<Message, undefined, undefined> {
  const unread = new Unread<Message>(windowItems);
  const forget = onEnd(() => unread.end());
  const subscription = await subscribe((message) => unread.put(message));
  try {
    for (let next = await unread.take(); next !== undefined; next = await unread.take()) yield next.message;
  } finally {
    unread.end();
    forget();
    await subscription.close();
  }
}
