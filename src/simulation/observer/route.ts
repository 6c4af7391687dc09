import {
  type AskOptions,
  type LaterCall,
  type ReadyOptions,
  type Room,
  type Route,
  type SendOptions,
  type Stream,
  type StreamOptions,
  type TerminationReason,
  type Watcher,
  withMeta,
} from '../../actors/kernel/index.js';
import { limits } from '../../limits.js';
import type { AnyMethod, Meta } from '../../protocol/index.js';
import type { Message, Party } from './message.js';
import type { Observer } from './observer.js';
import { type ObservedRequests, observedRequests } from './observed-requests.js';
import { ReadEnd } from './stream-ends.js';
import type { Watch } from './watches.js';

/** The meta field with the id of a message. */
export const MESSAGE_META = 'millrace.simulation.message';

/** The meta field with the id of a stream. */
export const STREAM_META = 'millrace.simulation.stream';

/** A route to an actor for one party. It records everything, and forwards it. */
export class ObservedRoute implements Route {
  readonly cUid: bigint;
  readonly incarnation: bigint;
  readonly owner: Party;
  /** The current watch of its owner, or the last one that ended. */
  watched: Watch | undefined;
  readonly #observer: Observer;
  readonly inner: Route;
  readonly #watchers = new Map<Watcher, Watcher>();

  constructor(observer: Observer, owner: Party, inner: Route) {
    this.#observer = observer;
    this.owner = owner;
    this.inner = inner;
    this.cUid = inner.cUid;
    this.incarnation = inner.incarnation;
  }

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    const { messages } = this.#observer;
    const sent = messages.sent(this.owner, this, method, message, undefined);
    try {
      return this.inner.tell(method, message, withMeta(options, metaOf(sent)));
    } catch (error) {
      messages.refused(sent);
      throw error;
    }
  }

  async ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    const { messages, streams } = this.#observer;
    const sent = messages.sent(this.owner, this, method, message, options?.timeoutMs ?? limits.askTimeoutMs);
    const observed = this.#requests(method, message);
    try {
      const given = withMeta(options, { ...metaOf(sent), ...observed?.meta });
      const asked = this.inner.ask(method, observed?.requests ?? message, given);
      const reply = await (observed?.requests.replyOf(asked) ?? asked);
      messages.answered(sent, reply);
      return reply;
    } catch (error) {
      messages.failed(sent, error);
      throw error;
    } finally {
      if (observed !== undefined) streams.callEnded(observed.stream);
    }
  }

  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown> {
    const { streams } = this.#observer;
    const { timeoutMs = limits.askTimeoutMs, windowItems = limits.rpcStreamItems } = options ?? {};
    const observed = this.#requests(method, message);
    const opened = streams.opened(
      { reader: this.owner, receiver: this.cUid, requests: observed?.stream, method, timeoutMs, windowItems },
      message,
    );
    const given = withMeta(options, { [STREAM_META]: String(opened.id), ...observed?.meta });
    return new ReadEnd(streams, opened, this.inner.stream(method, observed?.requests ?? message, given));
  }

  #requests(method: AnyMethod, message: unknown): ObservedRequests | undefined {
    const { streams } = this.#observer;
    const ends = { caller: this.owner, actor: this.#observer.actor(this.cUid), receiver: this.cUid };
    return observedRequests(streams, method, message, ends);
  }

  ready(options?: ReadyOptions, byMs?: number): Promise<void> {
    return this.#observer.waits(this.owner, this.cUid, this.inner.ready(options, byMs));
  }

  get room(): Room {
    return this.inner.room;
  }

  inherit(method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return this.inner.inherit(method, options);
  }

  watch(watcher: Watcher): void {
    this.watched = this.#observer.watches.begin(this.owner, this.cUid);
    const own: Watcher = {
      terminated: (_inner: Route, reason: TerminationReason, cause) => watcher.terminated(this, reason, cause),
    };
    this.#watchers.set(watcher, own);
    this.inner.watch(own);
  }

  unwatch(watcher: Watcher): void {
    const own = this.#watchers.get(watcher);
    this.#watchers.delete(watcher);
    if (this.watched !== undefined) this.#observer.watches.end(this.watched);
    if (own !== undefined) this.inner.unwatch(own);
  }
}

function metaOf({ id }: Message): Meta {
  return { [MESSAGE_META]: String(id) };
}
