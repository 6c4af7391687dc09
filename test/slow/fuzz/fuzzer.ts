import { randomStream } from '#src/scheduler/index.js';
import { Coverage } from './coverage.js';
import { Mutator } from './mutator.js';
import { type Target, trial } from './target.js';

/** Bytes of the largest input. */
const MOST_BYTES = 4_096;
/** Inputs between two looks at the coverage, which take milliseconds. As long as nothing new is reached, batches become larger. */
const BATCH = { smallest: 16, largest: 512 };
/** Memory that a decoder may hold after a batch, beyond what the process had at its start, in bytes. */
const MOST_MEMORY = 512 * 1024 * 1024;

export interface FuzzOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly corpus: readonly Uint8Array[];
  /** Called before each input, so that whoever watches knows which input ended the process or its event loop. */
  readonly feeding: (input: Uint8Array) => void;
}

export interface FuzzOutcome {
  readonly inputs: number;
  readonly blocks: number;
  /** The inputs that each reached something new. */
  readonly corpus: readonly Uint8Array[];
  readonly found?: { readonly input: Uint8Array; readonly error: unknown };
}

/** Feeds a target with mutations of its corpus. What reaches new blocks joins the corpus. Ends with the first finding, or with its time. */
export class Fuzzer {
  readonly #target: Target;
  readonly #options: FuzzOptions;
  readonly #coverage = new Coverage();
  readonly #corpus: Uint8Array[] = [];
  readonly #random: () => number;
  readonly #mutator: Mutator;
  #inputs = 0;
  #batch = BATCH.smallest;
  #startBytes = 0;
  #endMs = 0;

  constructor(target: Target, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = randomStream(`${options.seed}/fuzz`);
    this.#mutator = new Mutator(this.#random, target.words ?? [], MOST_BYTES);
  }

  async run(): Promise<FuzzOutcome> {
    const seeds = [...this.#options.corpus, ...(await this.#target.seeds())];
    this.#startBytes = process.memoryUsage().rss;
    this.#endMs = performance.now() + this.#options.seconds * 1_000;
    let found: FuzzOutcome['found'];
    for (const seed of seeds) found ??= await this.#feedAll([seed]);
    while (found === undefined && performance.now() < this.#endMs) {
      found = await this.#feedBatch(Array.from({ length: this.#batch }, () => this.#next()));
    }
    this.#coverage.close();
    const outcome = { inputs: this.#inputs, blocks: this.#coverage.size, corpus: this.#corpus };
    return found === undefined ? outcome : { ...outcome, found };
  }

  async #feedBatch(batch: readonly Uint8Array[]): Promise<FuzzOutcome['found']> {
    const before = this.#corpus.length;
    const found = await this.#feedAll(batch);
    if (found !== undefined) return found;
    this.#batch = this.#corpus.length > before ? BATCH.smallest : Math.min(BATCH.largest, 2 * this.#batch);
    return process.memoryUsage().rss - this.#startBytes > MOST_MEMORY ? this.#memoryOf(batch) : undefined;
  }

  /** Keeps the inputs that reach something new: where some do, it feeds each half again. */
  async #feedAll(inputs: readonly Uint8Array[]): Promise<FuzzOutcome['found']> {
    for (const input of inputs) {
      const found = await this.#feed(input);
      if (found !== undefined) return found;
    }
    const isOne = inputs.length === 1;
    if (this.#coverage.takeNew(isOne).length === 0) return undefined;
    if (isOne) {
      this.#corpus.push(...inputs);
      return undefined;
    }
    const middle = inputs.length >> 1;
    return (await this.#feedAll(inputs.slice(0, middle))) ?? this.#feedAll(inputs.slice(middle));
  }

  async #feed(input: Uint8Array): Promise<FuzzOutcome['found']> {
    this.#options.feeding(input);
    this.#inputs++;
    const error = await trial(this.#target, input);
    return error === undefined ? undefined : { input, error };
  }

  /** Garbage does not count. The last input of the batch stands for all of it: memory may grow by many. */
  #memoryOf(batch: readonly Uint8Array[]): FuzzOutcome['found'] {
    globalThis.gc?.();
    const bytes = process.memoryUsage().rss - this.#startBytes;
    if (bytes <= MOST_MEMORY) return undefined;
    const text = `the process holds ${bytes} bytes more than at its start, after ${this.#inputs} inputs`;
    return { input: batch.at(-1) ?? new Uint8Array(0), error: new Error(text) };
  }

  /** A mutation, of a late input rather than of an early one: those have reached what is deep. */
  #next(): Uint8Array {
    return this.#mutator.mutate(this.#pick(), this.#pick());
  }

  #pick(): Uint8Array {
    const length = this.#corpus.length;
    const index = this.#random() < 0.5 ? this.#random() * length : length * (1 - this.#random() ** 2 / 2);
    return this.#corpus[Math.min(length - 1, Math.floor(index))] ?? new Uint8Array(0);
  }
}
