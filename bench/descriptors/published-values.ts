import {
  type ActorRef,
  behavior,
  bytesCodable,
  later,
  type MemoryPool,
  Runtime,
  StoppedError,
  type ValuePublisher,
} from 'millrace';
import { ValueReader } from '../gen/far.js';
import { assertEqual, Kind, Messages } from '../transport/messages.js';
import { type Client, type Peer, textOf } from '../transport/peer.js';

const MIB = 1024 * 1024;
const PATIENCE_MS = 60_000;
const NAME = 'values';
/** Of a value that is not compared, this much is written. */
const NOTE_BYTES = 64;

const options = { listen: 'unix:', ucx: 'off', keyless: 'loopback', logLevel: 'warn' } as const;

/** Values of a publisher. `birth`: whether they are written into a block of its pool, or into ordinary memory, and copied. */
export function publishedValues(birth: 'pool' | 'heap'): Peer {
  return {
    serve: async () => {
      const runtime = await Runtime.start(options);
      const reader = new Reader();
      runtime.spawn(reader.behavior(), { name: 'reader', register: true });
      const reading = reader.readAll(runtime);
      return { address: runtime.controlPlane, close: () => runtime.stop().then(() => reading) };
    },
    connect: async (address) => {
      const runtime = await Runtime.start({ ...options, controlPlane: textOf(address), nodeName: 'node-1' });
      const pool = runtime.createPool({ limitBytes: 512 * MIB });
      const publisher = await runtime.publisher(NAME, bytesCodable, { pool });
      return new Writer(
        runtime,
        publisher,
        birth === 'pool' ? pool : undefined,
        await runtime.lookup(ValueReader, 'reader'),
      );
    },
  };
}

/** Looks at both ends of each value, or compares every byte. */
class Reader {
  readonly #pieces = new Messages(Kind.piece);
  #read = 0;
  #wanted = 0;
  #arrived: (() => void) | undefined;

  behavior() {
    return behavior(ValueReader, {
      read: (_, { count }) => {
        this.#wanted = count;
        return later(
          new Promise<{ count: number }>((resolve) => {
            this.#arrived = () => resolve({ count });
            this.#confirm();
          }),
        );
      },
    });
  }

  async readAll(runtime: Runtime): Promise<void> {
    const values = await runtime.subscriber(NAME, bytesCodable, { timeoutMs: PATIENCE_MS });
    try {
      for await (const value of values) {
        if (value[0] === Kind.piece) assertEqual(this.#pieces.of(value.length), value);
        else if (value[0] !== Kind.note || value.at(-1) === undefined)
          throw new Error('A value has arrived that was not sent.');
        this.#read += 1;
        this.#confirm();
      }
    } catch (error) {
      // The writer ends first.
      if (!(error instanceof StoppedError)) throw error;
    }
  }

  #confirm(): void {
    if (this.#arrived === undefined || this.#read < this.#wanted) return;
    this.#read -= this.#wanted;
    const arrived = this.#arrived;
    this.#arrived = undefined;
    arrived();
  }
}

class Writer implements Client {
  readonly #runtime: Runtime;
  readonly #publisher: ValuePublisher<Uint8Array>;
  readonly #pool: MemoryPool | undefined;
  readonly #reader: ActorRef<typeof ValueReader>;
  readonly #notes = new Messages(Kind.note);
  readonly #pieces = new Messages(Kind.piece);

  constructor(
    runtime: Runtime,
    publisher: ValuePublisher<Uint8Array>,
    pool: MemoryPool | undefined,
    reader: ActorRef<typeof ValueReader>,
  ) {
    this.#runtime = runtime;
    this.#publisher = publisher;
    this.#pool = pool;
    this.#reader = reader;
  }

  tell(sizeBytes: number, count: number): Promise<void> {
    const note = this.#notes.of(sizeBytes);
    return this.#send(note, count, (bytes) => bytes.set(note.subarray(0, NOTE_BYTES)));
  }

  stream(sizeBytes: number, count: number): Promise<void> {
    const piece = this.#pieces.of(sizeBytes);
    return this.#send(piece, count, (bytes) => bytes.set(piece));
  }

  ask(): void {
    throw new Error('Published values have no replies.');
  }

  close(): Promise<unknown> {
    return this.#runtime.stop();
  }

  async #send(message: Uint8Array, count: number, fill: (bytes: Uint8Array) => void): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) {
      const block = await this.#pool?.allocate(message.length);
      if (block === undefined) {
        await this.#publisher.write(message);
        continue;
      }
      const { bytes } = block;
      fill(bytes);
      await this.#publisher.write(bytes);
      block.dispose();
    }
    await this.#reader.read({ count }, { timeoutMs: PATIENCE_MS });
  }
}
