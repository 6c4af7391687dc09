import { errorOf } from '../../foreign.js';
import type { AnyMethod, Ref } from '../../protocol/index.js';
import type {
  ActorSystem,
  AskOptions,
  ReadyOptions,
  Room,
  Route,
  SendOptions,
  Stream,
  StreamOptions,
  Watcher,
} from '../kernel/index.js';
import type { Channel } from './channel.js';

/** The route to an actor of another partition. The link is opened on first use. */
export class RemoteRoute implements Route {
  readonly cUid: bigint;
  readonly incarnation: bigint;
  readonly #system: ActorSystem;
  readonly #open: (isTell: boolean) => Channel;
  #channel: Channel | undefined;

  /** `open` returns the channel to the actor's partition: see Router.open. */
  constructor(system: ActorSystem, target: Pick<Ref, 'cUid' | 'incarnation'>, open: (isTell: boolean) => Channel) {
    this.#system = system;
    this.cUid = target.cUid;
    this.incarnation = target.incarnation;
    this.#open = open;
  }

  get path(): string {
    return this.#channel === undefined ? `actor ${this.cUid}` : this.#channel.pathOf(this.cUid);
  }

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    const channel = this.#current(true);
    if (channel.closed !== undefined || channel.isRetrying) {
      this.#system.addDeadLetter(this.path, method.fullName, message, 'unreachable');
      return false;
    }
    return channel.tell(this.cUid, method, message, this.#system.outgoingTell(options));
  }

  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    try {
      const call = this.#system.outgoingAsk(options);
      const channel = this.#current();
      if (channel.closed !== undefined) {
        return this.#system.deadlines.asks.refuse(channel.closed);
      }
      const refusal = channel.credit.claimCall(this.cUid, method.lane);
      if (refusal !== undefined) {
        return this.#system.deadlines.asks.refuse(refusal);
      }
      // Returned as it is: a promise for a promise takes three more microtasks.
      return channel.asks.ask(this.cUid, method, message, call, options);
    } catch (error) {
      return Promise.reject(errorOf(error));
    }
  }

  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown> {
    return this.#system.read(method, options, this, (sink, call, start) => {
      const channel = this.#current();
      if (channel.closed !== undefined) {
        throw channel.closed;
      }
      const refusal = channel.credit.claimCall(this.cUid, method.lane);
      if (refusal !== undefined) {
        throw refusal;
      }
      return channel.streams.open(this.cUid, method, message, call, start, sink);
    });
  }

  ready(options?: ReadyOptions): Promise<void> {
    return this.#system.ready(options, this, (wait) => {
      const channel = this.#current();
      // Tells are refused until the link is open.
      if (channel.isRetrying) {
        channel.opened().then(
          () => channel.ready(this.cUid, wait),
          (error: unknown) => wait.reject(error),
        );
      } else {
        channel.ready(this.cUid, wait);
      }
    });
  }

  get room(): Room {
    const channel = this.#current();
    if (channel.closed !== undefined || channel.isRetrying) {
      return 'closed';
    }
    return channel.credit.hasRoom(this.cUid) ? 'free' : 'full';
  }

  inherit(method: AnyMethod, options: StreamOptions | undefined): StreamOptions | undefined {
    return this.#system.inherit(method, options);
  }

  watch(watcher: Watcher): void {
    this.#current().watch(this, watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#channel?.watches.unwatch(this, watcher);
  }

  /** A new message uses a new link where the last has ended; a message that was sent before is never repeated. */
  #current(isTell = false): Channel {
    if (this.#channel === undefined || this.#channel.closed !== undefined) {
      this.#channel = this.#open(isTell);
    }
    return this.#channel;
  }
}
