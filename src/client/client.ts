import { ConfigError, type MillraceError } from '../errors.js';
import { type AnyService, decode, type MessageType } from '../protocol/index.js';
import { ask } from './ask-call.js';
import type { ClientAskOptions, ClientStreamOptions } from './call-options.js';
import { type ClientRef, clientRef } from './client-ref.js';
import type { ClientState } from './connection-state.js';
import type { UndeliveredTell } from './calls-in-flight.js';
import type { Session } from './session.js';
import { type ClientStream, StreamReader } from './stream-reader.js';
import { isWellFormed } from '../well-formed.js';

/** Called with the state of the connection; `error` says why there is none. */
export type StateListener = (state: ClientState, error: MillraceError | undefined) => void;

/**
 * A client of a cluster, through a gateway for clients: made by `connect`. It is no member of the cluster. It connects again by itself; calls that were under
 * way then fail with UnreachableError, and calls that were not sent wait for the next connection until their deadlines.
 */
export class Client {
  readonly #session: Session;
  readonly #states = new Set<StateListener>();
  readonly #undelivered = new Set<(tell: UndeliveredTell) => void>();
  #closed: () => void = () => {};

  /** For `connect`. `open` makes the session, which reports to the client. */
  constructor(open: (client: ClientEvents) => Session) {
    this.#session = open({
      changed: (state, error) => {
        if (state === 'closed') this.#closed();
        notify(this.#states, (listener) => listener(state, error));
      },
      undelivered: (tell) => notify(this.#undelivered, (listener) => listener(tell)),
    });
    this.#closed = wakeUps(() => this.#session.wake());
  }

  /** `waiting`: the connection was lost, and is tried again soon. `closed`: by `close()`, or because the gateway has refused the token. */
  get state(): ClientState {
    return this.#session.state;
  }

  /** Why there is no connection; undefined while there is one. */
  get error(): MillraceError | undefined {
    return this.#session.error;
  }

  get url(): string {
    return this.#session.url;
  }

  /** Calls `listener` with each change of `state`. Returns a function that ends this. */
  onState(listener: StateListener): () => void {
    this.#states.add(listener);
    return () => void this.#states.delete(listener);
  }

  /** Calls `listener` with each tell that the gateway did not give to its actor. Returns a function that ends this. */
  onUndelivered(listener: (tell: UndeliveredTell) => void): () => void {
    this.#undelivered.add(listener);
    return () => void this.#undelivered.delete(listener);
  }

  /**
   * The actor with a registered name. Waits until there is one; rejects with AskTimeoutError at the deadline, 5 s by default, and with RefusedError
   * (`reason` FORBIDDEN) where this client may not call it.
   *
   *     const market = await client.lookup(Market, 'market');
   *     const { last } = await market.quote({ symbol: 'ACME' });
   */
  async lookup<S extends AnyService>(service: S, name: string, options?: ClientAskOptions): Promise<ClientRef<S>> {
    checkNamed('client.lookup', 'service', service, 'methods', name);
    const { typeName } = service;
    await ask(
      this.#session,
      {
        what: `the lookup of "${name}"`,
        open: (call, timeoutMs) => ({ case: 'lookup', value: { call, service: typeName, name, timeoutMs } }),
        read: () => undefined,
      },
      options,
    );
    return clientRef(this.#session, service, name);
  }

  /**
   * The messages that are published on a topic, from the first `next` on. What this client is too slow for is counted in `missed`.
   *
   *     for await (const { symbol, price } of client.subscribe(Trade, 'trades', { timeoutMs: Infinity })) show(symbol, price);
   */
  subscribe<Message>(
    type: MessageType<Message, never>,
    topic: string,
    options?: ClientStreamOptions,
  ): ClientStream<Message> {
    checkNamed('client.subscribe', 'message type', type, 'read', topic);
    const { typeName } = type;
    return new StreamReader<Message>(
      this.#session,
      {
        what: `the topic "${topic}" of ${typeName}`,
        open: (call, credit) => ({ case: 'subscribe', value: { call, type: typeName, topic, credit } }),
        read: (message) => decode(type, message),
      },
      options,
    );
  }

  /** Calls that wait fail with StoppedError. Idempotent. */
  close(): void {
    this.#session.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** For `connect`. */
  start(): void {
    this.#session.start();
  }
}

/** What a session reports. */
export interface ClientEvents {
  readonly changed: StateListener;
  readonly undelivered: (tell: UndeliveredTell) => void;
}

/** A listener that throws must not end the connection, nor keep the others from hearing. Its error is reported as that of any event. */
function notify<Listener>(listeners: ReadonlySet<Listener>, call: (listener: Listener) => void): void {
  for (const listener of listeners) {
    try {
      call(listener);
    } catch (error) {
      void (async () => {
        throw error;
      })();
    }
  }
}

/** Calls `wake` when the page is online again, or shown again: its timers may have slept. Returns a function that ends this. */
function wakeUps(wake: () => void): () => void {
  const look = (): void => {
    if (Reflect.get(Reflect.get(globalThis, 'document') ?? {}, 'visibilityState') !== 'hidden') wake();
  };
  const targets: readonly (readonly [target: unknown, event: string])[] = [
    [globalThis, 'online'],
    [Reflect.get(globalThis, 'document'), 'visibilitychange'],
  ];
  const ends = targets.flatMap(([target, event]) => {
    // Node has EventTarget, and neither event.
    if (!(target instanceof EventTarget)) return [];
    target.addEventListener(event, look);
    return [() => target.removeEventListener(event, look)];
  });
  return () => {
    for (const end of ends) end();
  };
}

function checkNamed(of: string, what: string, value: unknown, property: string, name: unknown): void {
  const isNamed = typeof value === 'object' && value !== null && 'typeName' in value && property in value;
  if (!isNamed) throw new ConfigError(`${of} needs a ${what} of a module that millrace gen made.`);
  if (typeof name !== 'string' || name === '' || !isWellFormed(name)) {
    throw new ConfigError(`${of} needs a name, a text that is not empty, of whole characters.`);
  }
}
