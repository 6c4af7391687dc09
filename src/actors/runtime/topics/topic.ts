import type { ReadyOptions } from '../../kernel/index.js';
import { messagesOf } from './messages.js';
import type { TopicMembers } from './topic-members.js';

/** Handles one message after the other: the next one waits for the promise that it returns. A parameter of a method is bivariant. */
export type TopicHandler<Message> = { call(message: Message): unknown }['call'];

export interface SubscribeOptions {
  /** Messages that may wait for the handler. Past it, the subscriber misses what is published. Default 65 536. */
  readonly capacity?: number;
}

export interface MessagesOptions extends SubscribeOptions {
  /** Messages that are read ahead of the loop. Default 16. */
  readonly windowItems?: number;
}

/** One subscriber. */
export interface TopicSubscription extends AsyncDisposable {
  /** Resolves when no process sends to the subscriber any more. What waits for its handler is a dead letter then. Idempotent. */
  close(): Promise<void>;
}

/**
 * Messages of one type from any process of the cluster to all that have subscribed. Each subscriber gets the messages of one publisher in
 * their order, and those that were published after the publisher's process had learnt of the subscriber.
 *
 *     const trades = await runtime.topic(Trade, 'trades');
 *     await using watching = await trades.subscribe(({ symbol, price }) => show(symbol, price));
 *     if (!trades.publish({ symbol: 'ACME', price: 12.5 })) await trades.ready();
 */
export class Topic<Message, Init> {
  readonly name: string;
  readonly #members: TopicMembers;

  constructor(name: string, members: TopicMembers) {
    this.name = name;
    this.#members = members;
  }

  /**
   * Sends a message to all subscribers that this process knows. Returns `false` when one of them is past its high-water mark, or has missed the
   * message because its mailbox is full: `await topic.ready()`. Throws ProtocolError for what is no such message.
   */
  publish(message: Init): boolean {
    return this.#members.publish(message);
  }

  /** Resolves when all subscribers have room. Rejects as `ready` of a reference. */
  ready(options?: ReadyOptions): Promise<void> {
    return this.#members.ready(options);
  }

  /** How often a subscriber has missed a message of this process, because its mailbox was full. */
  get missed(): number {
    return this.#members.missed;
  }

  /** Subscribers that this process knows and can reach. */
  get subscribers(): number {
    return this.#members.count;
  }

  /** Calls `handler` for each message, until the subscription is closed or this runtime stops. A handler that fails is logged, and gets the next message. */
  subscribe(handler: TopicHandler<Message>, options: SubscribeOptions = {}): Promise<TopicSubscription> {
    return this.#members.subscribe(handler, options);
  }

  /**
   * The messages from the first `next` on, until the loop ends or this runtime stops. While the loop is busy, messages wait as those of a handler.
   *
   *     for await (const { symbol, price } of trades.messages()) show(symbol, price);
   */
  messages(options: MessagesOptions = {}): AsyncIterableIterator<Message> {
    return messagesOf<Message>(
      (handler) => this.subscribe(handler, options),
      (ended) => this.#members.onEnd(ended),
      options.windowItems,
    );
  }
}
