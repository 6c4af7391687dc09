import type { JetStreamClient } from '@nats-io/jetstream';
import type { KV, KvEntry } from '@nats-io/kv';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { StoppedError, UnreachableError } from '../../errors.js';
import { isError, messageOf } from '../../foreign.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import type { SetResult, StoreEntry } from '../cluster-store.js';
import { formatStoreAddress, type StoreAddress } from '../store-address.js';
import type { NatsPackages } from './nats-packages.js';

export type NatsAddress = Extract<StoreAddress, { readonly kind: 'nats' }>;

/** Time between two attempts to reach a server, in ms. */
const RECONNECT_MS = 200;
const CONNECT_MS = 2_000;
/** A server that answers no ping for twice this time is given up for another one, in ms. */
const PING_MS = 2_000;
/** Errors of JetStream: the key has another revision than the write expects, or another write is on its way. */
const CONFLICTS: readonly number[] = [10_071, 10_158, 10_164];
/** Looks at a write that is on its way, `RECONNECT_MS` apart, before it counts as lost. */
const LOOKS = 5;

interface Opened {
  readonly bucket: KV;
  readonly stream: JetStreamClient;
}

/** A bucket of the key-value store of NATS. It connects with the first call, and with the next one after a connection was lost. */
export class NatsBucket {
  readonly #packages: NatsPackages;
  readonly #address: NatsAddress;
  readonly #scheduler: Scheduler;
  #connection: Promise<NatsConnection> | undefined;
  #opening: Promise<Opened> | undefined;
  readonly #closing = new AbortController();

  constructor(packages: NatsPackages, address: NatsAddress, scheduler: Scheduler) {
    this.#packages = packages;
    this.#address = address;
    this.#scheduler = scheduler;
  }

  get(key: string, untilMs: number): Promise<StoreEntry | undefined> {
    return this.#call(untilMs, async ({ bucket }) => entryOf(await bucket.get(key)));
  }

  set(key: string, value: Uint8Array, expectedRevision: number | undefined, untilMs: number): Promise<SetResult> {
    return this.#call(untilMs, async (opened) => {
      const { bucket } = opened;
      try {
        if (expectedRevision === undefined) return { isSet: true, revision: await bucket.create(key, value) };
        return await this.#replace(opened, key, value, expectedRevision, untilMs);
      } catch (error) {
        if (!this.#isConflict(error)) throw error;
        return { isSet: false, entry: entryOf(await bucket.get(key)) };
      }
    });
  }

  /**
   * Writes the revision that follows on `expected`. Servers that keep copies compare revisions before they have agreed on the writes that are on their
   * way, so several writers at once could win (https://github.com/nats-io/nats-server/issues/4320). They take the first message of an id only: the id
   * says which revision is replaced. The first write may have been lost with the majority of the servers: after a while there is another id.
   */
  async #replace(
    { bucket, stream }: Opened,
    key: string,
    value: Uint8Array,
    expected: number,
    untilMs: number,
  ): Promise<SetResult> {
    for (let looks = 0; ; looks += 1) {
      const { seq, duplicate } = await stream.publish(`$KV.${this.#address.bucket}.${key}`, value, {
        msgID: `${key}/${expected}/${Math.floor(looks / LOOKS)}`,
        expect: { lastSubjectSequence: expected },
      });
      if (!duplicate) return { isSet: true, revision: seq };
      const entry = entryOf(await bucket.get(key));
      if (entry?.revision !== expected) return { isSet: false, entry };
      await this.#pause(untilMs, new Error(`another write of "${key}" is on its way`));
    }
  }

  /** Calls `changed` for each change until `signal` aborts. Resolves earlier when the server has ended the watch, and rejects where it cannot begin. */
  async listen(key: string, changed: () => void, signal: AbortSignal): Promise<void> {
    const { bucket } = await this.#opened(this.#scheduler.now() + CONNECT_MS);
    const changes = await bucket.watch({ key, include: 'updates' });
    const stop = (): void => changes.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) return;
      for await (const _change of changes) changed();
    } finally {
      signal.removeEventListener('abort', stop);
      changes.stop();
    }
  }

  /** Connects no more, and ends all pauses. A connection that is being made is closed when it is there. */
  async close(): Promise<void> {
    this.#closing.abort();
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.close();
  }

  async #call<T>(untilMs: number, work: (opened: Opened) => Promise<T>): Promise<T> {
    for (;;) {
      const opened = await this.#opened(untilMs);
      try {
        return await work(opened);
      } catch (cause) {
        // The next call looks whether the bucket is still there: a server may have lost it.
        this.#opening = undefined;
        if (!hasReachedNobody(cause)) throw this.#unreachable(cause);
        await this.#pause(untilMs, cause);
      }
    }
  }

  /** Throws where no time is left for another attempt. */
  async #pause(untilMs: number, cause: unknown): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted || this.#scheduler.now() + RECONNECT_MS >= untilMs) throw this.#unreachable(cause);
    await pause(this.#scheduler, RECONNECT_MS, signal);
  }

  /** Tries until `untilMs`. */
  async #opened(untilMs: number): Promise<Opened> {
    for (;;) {
      if (this.#closing.signal.aborted) throw this.#closed();
      this.#opening ??= this.#open();
      const opening = this.#opening;
      try {
        return await opening;
      } catch (cause) {
        if (this.#opening === opening) this.#opening = undefined;
        await this.#pause(untilMs, cause);
      }
    }
  }

  async #open(): Promise<Opened> {
    const { Kvm, jetstream } = this.#packages;
    const copies = copiesOn(this.#address.servers.length);
    // Without direct reads, it is the leader of the bucket that answers: it knows the last write.
    const options = { history: 1, replicas: copies, allow_direct: false, description: 'Cluster store of Millrace' };
    const stream = jetstream(await this.#connected());
    return { stream, bucket: await new Kvm(stream).create(this.#address.bucket, options) };
  }

  #connected(): Promise<NatsConnection> {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  async #connect(): Promise<NatsConnection> {
    try {
      const connection = await this.#packages.connect(optionsOf(this.#address));
      void connection.closed().then(() => this.#disconnected());
      return connection;
    } catch (error) {
      this.#disconnected();
      throw error;
    }
  }

  #disconnected(): void {
    this.#connection = undefined;
    this.#opening = undefined;
  }

  #isConflict(error: unknown): boolean {
    return error instanceof this.#packages.JetStreamApiError && CONFLICTS.includes(error.code);
  }

  #closed(): StoppedError {
    return new StoppedError(`The cluster store ${formatStoreAddress(this.#address)} is closed.`);
  }

  #unreachable(cause: unknown): UnreachableError {
    const address = formatStoreAddress(this.#address);
    return new UnreachableError(
      `The cluster store ${address} cannot be reached: ${messageOf(cause)}. Start nats-server with JetStream (nats-server -js), or correct the address.`,
      { cause },
    );
  }
}

function optionsOf({ servers, user, password }: NatsAddress): ConnectionOptions {
  const proof = user === '' ? {} : password === '' ? { token: user } : { user, pass: password };
  return {
    servers: [...servers],
    ...proof,
    name: 'millrace',
    timeout: CONNECT_MS,
    // A client that reconnects by itself keeps writes for later, when nobody waits for them any more.
    reconnect: false,
    pingInterval: PING_MS,
    maxPingOut: 2,
  };
}

/** As many as there are servers; JetStream has 1, 3 or 5. */
function copiesOn(servers: number): number {
  if (servers >= 5) return 5;
  return servers >= 3 ? 3 : 1;
}

/** A deletion, by the tools of NATS, leaves a mark. */
function entryOf(found: KvEntry | null): StoreEntry | undefined {
  return found === null || found.operation !== 'PUT' ? undefined : { value: found.value, revision: found.revision };
}

/** Nobody has got the request, so that it can be made again: the bucket, or its server, has just been started. */
function hasReachedNobody(cause: unknown): boolean {
  return isError(cause) && cause.name === 'JetStreamNotEnabled';
}
