import type { KV, KvEntry } from '@nats-io/kv';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { StoppedError, UnreachableError } from '../../errors.js';
import { isError, messageOf } from '../../foreign.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { SetResult, StoreEntry } from '../cluster-store.js';
import { formatStoreAddress, type StoreAddress } from '../store-address.js';
import type { NatsPackages } from './nats-packages.js';

export type NatsAddress = Extract<StoreAddress, { readonly kind: 'nats' }>;

/** Time between two attempts to reach a server, in ms. */
const RECONNECT_MS = 200;
const CONNECT_MS = 2_000;
/** A server that answers no ping for twice this time is given up for another one, in ms. */
const PING_MS = 2_000;
/** Error of JetStream: the key has another revision than the write expects. */
const WRONG_REVISION = 10_071;

/** A bucket of the key-value store of NATS. It connects with the first call, and with the next one after a connection was lost. */
export class NatsBucket {
  readonly #packages: NatsPackages;
  readonly #address: NatsAddress;
  readonly #scheduler: Scheduler;
  #connection: Promise<NatsConnection> | undefined;
  #bucket: Promise<KV> | undefined;
  #isClosed = false;

  constructor(packages: NatsPackages, address: NatsAddress, scheduler: Scheduler) {
    this.#packages = packages;
    this.#address = address;
    this.#scheduler = scheduler;
  }

  get(key: string, untilMs: number): Promise<StoreEntry | undefined> {
    return this.#call(untilMs, async (bucket) => entryOf(await bucket.get(key)));
  }

  set(key: string, value: Uint8Array, expectedRevision: number | undefined, untilMs: number): Promise<SetResult> {
    return this.#call(untilMs, async (bucket) => {
      try {
        const isNew = expectedRevision === undefined;
        const written = isNew ? bucket.create(key, value) : bucket.update(key, value, expectedRevision);
        return { isSet: true, revision: await written };
      } catch (error) {
        if (!this.#isConflict(error)) throw error;
        return { isSet: false, entry: entryOf(await bucket.get(key)) };
      }
    });
  }

  /** Calls `changed` for each change until `signal` aborts. Resolves earlier when the server has ended the watch, and rejects where it cannot begin. */
  async listen(key: string, changed: () => void, signal: AbortSignal): Promise<void> {
    const bucket = await this.#opened(this.#scheduler.now() + CONNECT_MS);
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

  /** Connects no more. A connection that is being made is closed when it is there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.close();
  }

  async #call<T>(untilMs: number, work: (bucket: KV) => Promise<T>): Promise<T> {
    for (;;) {
      const bucket = await this.#opened(untilMs);
      try {
        return await work(bucket);
      } catch (cause) {
        // The next call looks whether the bucket is still there: a server may have lost it.
        this.#bucket = undefined;
        if (!hasReachedNobody(cause)) throw this.#unreachable(cause);
        await this.#pause(untilMs, cause);
      }
    }
  }

  /** Throws where no time is left for another attempt. */
  async #pause(untilMs: number, cause: unknown): Promise<void> {
    if (this.#isClosed || this.#scheduler.now() + RECONNECT_MS >= untilMs) throw this.#unreachable(cause);
    await new Promise<void>((resolve) => void this.#scheduler.setTimer(RECONNECT_MS, resolve));
  }

  /** Tries until `untilMs`. */
  async #opened(untilMs: number): Promise<KV> {
    for (;;) {
      if (this.#isClosed) throw this.#closed();
      this.#bucket ??= this.#open();
      const bucket = this.#bucket;
      try {
        return await bucket;
      } catch (cause) {
        if (this.#bucket === bucket) this.#bucket = undefined;
        await this.#pause(untilMs, cause);
      }
    }
  }

  async #open(): Promise<KV> {
    const { Kvm } = this.#packages;
    const copies = copiesOn(this.#address.servers.length);
    // Without direct reads, it is the leader of the bucket that answers: it knows the last write.
    const options = { history: 1, replicas: copies, allow_direct: false, description: 'Cluster store of Millrace' };
    return new Kvm(await this.#connected()).create(this.#address.bucket, options);
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
    this.#bucket = undefined;
  }

  #isConflict(error: unknown): boolean {
    return error instanceof this.#packages.JetStreamApiError && error.code === WRONG_REVISION;
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
