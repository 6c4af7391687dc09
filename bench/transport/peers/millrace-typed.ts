import { type ActorRef, BackpressureError, behavior, Runtime } from 'millrace';
import { Far } from '../../gen/far.js';
import { assertEqual, Kind, Messages } from '../messages.js';
import { type Client, type Peer, textOf } from '../peer.js';
import { assertUcx } from './assert-ucx.js';

const PATIENCE_MS = 30_000;
/** How far a writer may be ahead. */
const STREAMING = { windowItems: 1_024, timeoutMs: PATIENCE_MS };
const ASKING = { timeoutMs: PATIENCE_MS };

/** Actors of two processes, with their own protocols. */
export async function typed(listen: string, ucx: 'off' | 'required'): Promise<Peer> {
  if (ucx === 'required') assertUcx();
  const options = { listen, ucx, keyless: 'loopback', logLevel: 'warn' } as const;
  return {
    serve: async () => {
      const runtime = await Runtime.start(options);
      runtime.spawn(farActor(), { name: 'far', register: true });
      return { address: runtime.controlPlane, close: () => runtime.stop() };
    },
    connect: async (address) => {
      const runtime = await Runtime.start({ ...options, controlPlane: textOf(address), nodeName: 'node-1' });
      return new TypedClient(runtime, await runtime.lookup(Far, 'far'));
    },
  };
}

const pieces = new Messages(Kind.piece);

function farActor() {
  return behavior(Far, {
    state: () => ({ noted: 0 }),
    note: (state) => {
      state.noted += 1;
    },
    noted: (state) => {
      const count = state.noted;
      state.noted = 0;
      return { count };
    },
    echo: (_, blob) => blob,
    async *pour(_, { count, sizeBytes }) {
      for (let index = 0; index < count; index += 1) yield { data: pieces.of(sizeBytes) };
    },
  });
}

class TypedClient implements Client {
  readonly #runtime: Runtime;
  readonly #far: ActorRef<typeof Far>;
  readonly #notes = new Messages(Kind.note);

  constructor(runtime: Runtime, far: ActorRef<typeof Far>) {
    this.#runtime = runtime;
    this.#far = far;
  }

  async tell(sizeBytes: number, count: number): Promise<void> {
    const far = this.#far;
    const note = { data: this.#notes.of(sizeBytes) };
    for (let sent = 0; sent < count; sent += 1) {
      if (!far.note(note)) await far.ready();
    }
    // Sent after the last message: the order is kept.
    const noted = await far.noted({}, { timeoutMs: PATIENCE_MS });
    if (noted.count !== count) throw new Error(`${count} messages were sent, but ${noted.count} have arrived`);
  }

  ask(sizeBytes: number, answered: () => void): void {
    const blob = { data: this.#notes.of(sizeBytes) };
    const ask = (): void => void this.#far.echo(blob, ASKING).then(answered, againLater);
    // A link accepts this many bytes. We send more when it has sent them.
    const againLater = (error: unknown): void => {
      if (!(error instanceof BackpressureError)) throw error;
      void this.#far.ready().then(ask);
    };
    ask();
  }

  /** Reads the stream from the far end. */
  async stream(sizeBytes: number, count: number): Promise<void> {
    const expected = pieces.of(sizeBytes);
    let arrived = 0;
    for await (const { data } of this.#far.pour({ sizeBytes, count }, STREAMING)) {
      assertEqual(expected, data);
      arrived += 1;
    }
    if (arrived !== count) throw new Error(`${count} messages were requested, but ${arrived} have arrived`);
  }

  close(): Promise<unknown> {
    return this.#runtime.stop();
  }
}
