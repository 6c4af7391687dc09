import { ConfigError } from '../../../errors.js';
import { isRecord, shownValue } from '../../../foreign.js';
import type { MessageType } from '../../../protocol/index.js';
import { Topic } from './topic.js';
import { TopicMembers, type TopicMembersOptions } from './topic-members.js';
import { isWellFormed } from '../../../well-formed.js';

interface Open {
  readonly members: TopicMembers;
  readonly opened: Promise<void>;
}

/** The topics that this process uses. Repeated uses share one. */
export class Topics {
  readonly #options: TopicMembersOptions;
  readonly #open = new Map<string, Open>();

  constructor(options: TopicMembersOptions) {
    this.#options = options;
  }

  /** Resolves when the subscribers that there are have arrived. */
  async use<Message, Init>(type: MessageType<Message, Init>, name: string): Promise<Topic<Message, Init>> {
    const key = `${type.typeName} ${name}`;
    const { members, opened } = this.#open.get(key) ?? this.#begin(key, name, type);
    await opened;
    return new Topic<Message, Init>(name, members);
  }

  close(): void {
    for (const { members } of this.#open.values()) members.end();
    this.#open.clear();
  }

  #begin(key: string, name: string, type: MessageType<unknown, unknown>): Open {
    const members = new TopicMembers(name, type, this.#options);
    const opened = members.open();
    opened.catch(() => this.#open.delete(key));
    const open: Open = { members, opened };
    this.#open.set(key, open);
    return open;
  }
}

/** Throws ConfigError for what the compiler refuses in TypeScript. */
export function checkTopic(type: unknown, name: unknown): void {
  if (!isRecord(type) || typeof type['typeName'] !== 'string' || typeof type['read'] !== 'function') {
    throw new ConfigError(
      `runtime.topic(Type, name) needs a message type of a module that millrace gen made, not ${shownValue(type)}.`,
    );
  }
  if (typeof name === 'string' && name !== '' && isWellFormed(name)) return;
  throw new ConfigError(
    `runtime.topic(Type, name) needs a name, a text that is not empty, of whole characters, not ${shownValue(name)}.`,
  );
}
