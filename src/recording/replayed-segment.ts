import { memoryLogger } from '../logging/index.js';
import { fromWire } from '../protocol/errors/index.js';
import type { SegmentCode } from '../actors/runtime/index.js';
import { ProtocolError } from '../errors.js';
import type { MessageType } from '../protocol/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import { errorRecord, valueRecord } from './records.js';
import { ReplayedElements } from './replayed-elements.js';
import type { EventPayloadInit, Incarnation, EventPayload } from './replayed-actor.js';
import type { ReplayedScheduler } from './replayed-scheduler.js';

/** The code of a segment, and the types that it reads and writes. */
export interface SegmentToReplay {
  readonly code: SegmentCode;
  readonly ingress: MessageType<unknown> | undefined;
  readonly egress: MessageType<unknown> | undefined;
}

const ONLY = 0;

/** A segment running alone. It reads the recorded elements and reports what it writes. */
export class ReplayedSegment implements Incarnation {
  readonly #replayed: SegmentToReplay;
  readonly #segment: v1.RecordedSegment;
  readonly #scheduler: ReplayedScheduler;
  readonly #done: (event: EventPayloadInit) => void;
  readonly #input: ReplayedElements | undefined;

  constructor(
    replayed: SegmentToReplay,
    segment: v1.RecordedSegment,
    scheduler: ReplayedScheduler,
    done: (event: EventPayloadInit) => void,
  ) {
    this.#replayed = replayed;
    this.#segment = segment;
    this.#scheduler = scheduler;
    this.#done = done;
    this.#input =
      replayed.ingress && new ReplayedElements(replayed.ingress, () => this.#done({ case: 'closed', value: ONLY }));
  }

  start(): void {
    this.#run().then(
      () => this.#done({ case: 'outcome', value: { message: ONLY } }),
      (error: unknown) =>
        this.#done({ case: 'outcome', value: { message: ONLY, result: { case: 'error', value: errorRecord(error) } } }),
    );
  }

  deliver(event: EventPayload): void {
    if (event.case !== 'element' || this.#input === undefined) {
      throw new ProtocolError(`${event.case ?? 'nothing'} is not an input of this segment`);
    }
    const { result } = event.value;
    if (result.case === 'error') this.#input.fail(fromWire(result.value));
    else if (result.case === 'end') this.#input.end();
    else this.#input.push(result.value ?? new Uint8Array(0));
  }

  async #run(): Promise<void> {
    const { name, instance, partition } = this.#segment;
    await this.#replayed.code.run(
      this.#input ?? NOTHING,
      { write: (value) => this.#write(value) },
      {
        segment: name,
        instance,
        partition,
        signal: new AbortController().signal,
        log: memoryLogger(),
        outside: (work) => this.#scheduler.outside(work),
      },
    );
  }

  #write(value: unknown): Promise<void> {
    const { egress } = this.#replayed;
    if (egress === undefined)
      return Promise.reject(new ProtocolError(`segment ${this.#segment.name} is a sink, but it wrote an element`));
    this.#done({ case: 'yielded', value: { stream: ONLY, result: valueRecord(egress, value) } });
    return Promise.resolve();
  }
}

const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};
