import { MemoryStore, type MemoryStoreContent, UnreachableError } from '#src/index.js';
import type { SetResult, StoreCall, StoreEntry } from '#src/cluster-store/index.js';
import type { Scheduler } from '#src/scheduler/index.js';

/** What is wrong with a store, as one process sees it. */
export interface StoreTrouble {
  /** Most time that a call takes, in ms. */
  slowMs: number;
  /** Share of the calls that fail. Half of the writes that fail have happened all the same. */
  failing: number;
  /** Its watches show nothing. */
  isBlind: boolean;
}

export interface FaultyStoreOptions {
  readonly content: MemoryStoreContent;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly trouble: StoreTrouble;
}

/** Time after which a call that is answered too late fails, as with other stores, in ms. */
const TIMEOUT_MS = 5_000;

/** A store in memory of one virtual process, which is slow, fails, and loses its watches. Leases renew themselves by its calls, too. */
export class FaultyStore extends MemoryStore {
  readonly #options: FaultyStoreOptions;

  constructor(options: FaultyStoreOptions) {
    super(options.content, options.scheduler);
    this.#options = options;
  }

  override async get(key: string, call: StoreCall = {}): Promise<StoreEntry | undefined> {
    await this.#pass(call);
    this.#assertAnswers();
    return super.get(key, call);
  }

  override async compareAndSet(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    call: StoreCall = {},
  ): Promise<SetResult> {
    await this.#pass(call);
    const isLost = this.#fails();
    if (isLost && this.#options.random() < 0.5) throw unreachable();
    const result = await super.compareAndSet(key, value, expectedRevision, call);
    if (isLost) throw unreachable();
    // The answer takes time as well.
    await this.#pass(call);
    return result;
  }

  override async *watch(
    key: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<StoreEntry | undefined> {
    for await (const entry of super.watch(key, { signal })) if (!this.#options.trouble.isBlind) yield entry;
  }

  #fails(): boolean {
    const { random, trouble } = this.#options;
    return random() < trouble.failing;
  }

  #assertAnswers(): void {
    if (this.#fails()) throw unreachable();
  }

  async #pass({ timeoutMs = TIMEOUT_MS }: StoreCall): Promise<void> {
    const { scheduler, random, trouble } = this.#options;
    const takesMs = random() * trouble.slowMs;
    if (takesMs === 0) return;
    await new Promise<void>((resolve) => void scheduler.setTimer(Math.min(takesMs, timeoutMs), resolve));
    if (takesMs > timeoutMs) throw unreachable();
  }
}

function unreachable(): UnreachableError {
  return new UnreachableError('The store did not answer, because the simulation wanted it so.');
}
