import { BackpressureError, StoppedError, UnreachableError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import { type AnyService, Empty, Lane, type Method, type MessageType } from '../../../protocol/index.js';
import {
  type ActorRef,
  type ActorSystem,
  checkRequest,
  type ReadyOptions,
  untypedBehavior,
} from '../../kernel/index.js';
import { type Groups, invoke, type Membership } from '../groups/index.js';
import type { RegisteredNames } from '../registered-names.js';
import type { SubscribeOptions, TopicHandler, TopicSubscription } from './topic.js';

export interface TopicMembersOptions {
  readonly system: ActorSystem;
  readonly log: Logger;
  readonly groups: Groups;
  readonly names: RegisteredNames;
}

type Publish = Method<'tell', unknown, unknown, unknown, unknown>;

/** One topic in one process: its subscribers, and those that this process adds. */
export class TopicMembers {
  readonly #options: TopicMembersOptions;
  readonly #group: string;
  readonly #service: AnyService;
  readonly #method: Publish;
  readonly #ending = new Set<() => void>();
  #membership: Membership | undefined;
  #missed = 0;

  constructor(name: string, type: MessageType<unknown, unknown>, options: TopicMembersOptions) {
    const typeName = `${type.typeName}.Topic`;
    this.#options = options;
    this.#group = `topic ${type.typeName} ${name}`;
    this.#method = {
      name: 'publish',
      fullName: `${typeName}.Publish`,
      mode: 'tell',
      lane: Lane.data,
      request: type,
      response: Empty,
    };
    this.#service = { typeName, methods: { publish: this.#method } };
  }

  /** Resolves when the subscribers that there are have arrived. */
  async open(): Promise<void> {
    const { membership } = await this.#options.groups.hold(this.#service, this.#group);
    this.#membership = membership;
  }

  get missed(): number {
    return this.#missed;
  }

  get count(): number {
    return this.#membership?.members.length ?? 0;
  }

  publish(message: unknown): boolean {
    checkRequest(this.#method, message);
    const filled = this.#method.request.create(message);
    let haveRoom = true;
    for (const member of this.#membership?.members ?? []) {
      try {
        haveRoom = invoke(member, this.#method, filled, undefined) === true && haveRoom;
      } catch (error) {
        if (!(error instanceof BackpressureError)) throw error;
        this.#missed++;
        haveRoom = false;
      }
    }
    return haveRoom;
  }

  async ready(options?: ReadyOptions): Promise<void> {
    await Promise.all((this.#membership?.members ?? []).map(({ ref }) => readyOrEnded(ref, options)));
  }

  async subscribe(handler: TopicHandler<unknown>, { capacity }: SubscribeOptions): Promise<TopicSubscription> {
    const { system, names } = this.#options;
    const ref = system.spawn(
      untypedBehavior(this.#service, {
        publish: (_state: unknown, message: unknown) => handler(message),
        supervision: 'resume',
        ...(capacity === undefined ? {} : { mailbox: { capacity } }),
      }),
    );
    try {
      await names.register(this.#group, ref, { group: true });
    } catch (error) {
      await system.stop(ref);
      throw error;
    }
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closed ??= this.#close(ref);
      return closed;
    };
    return { close, [Symbol.asyncDispose]: close };
  }

  /** Calls `ended` when this runtime stops; returns a function that takes that back. */
  onEnd(ended: () => void): () => void {
    this.#ending.add(ended);
    return () => void this.#ending.delete(ended);
  }

  end(): void {
    for (const ended of this.#ending) ended();
    this.#ending.clear();
  }

  async #close(ref: ActorRef<AnyService>): Promise<void> {
    const { system, names, log } = this.#options;
    try {
      await names.unregister(this.#group, ref);
    } catch (error) {
      if (!(error instanceof StoppedError)) {
        log.debug('a subscriber has not left its topic', { topic: this.#group, error: namedMessageOf(error) });
      }
    }
    await system.stop(ref);
  }
}

/** A subscriber that ends meanwhile is none any more. */
async function readyOrEnded(ref: ActorRef<AnyService>, options: ReadyOptions | undefined): Promise<void> {
  try {
    await ref.ready(options);
  } catch (error) {
    if (!(error instanceof StoppedError || error instanceof UnreachableError)) throw error;
  }
}
