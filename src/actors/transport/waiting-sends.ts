import { Deferred } from '../../deferred.js';
import type { Sending } from './sending.js';
import type { StoredFields } from './message-fields.js';

/** An envelope that waits, with copies of its large fields. */
export interface WaitingSend extends Sending {
  /** Its large fields. */
  readonly fields: readonly Uint8Array[];
  readonly sizeBytes: number;
  stored: StoredFields | undefined;
}

/** Envelopes that wait until they can be written, in order for each key; and those who wait for their end. */
export class WaitingSends {
  readonly #queues = new Map<unknown, WaitingSend[]>();
  /** Keys of which an envelope was refused, since something that waited has left. */
  readonly #refused = new Set<unknown>();
  readonly #idle = new Map<unknown, Deferred<void>>();
  #bytes = 0;

  /** Of all that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get tells(): number {
    let tells = 0;
    for (const queue of this.#queues.values()) for (const { tell } of queue) if (tell !== undefined) tells++;
    return tells;
  }

  has(key: unknown): boolean {
    return this.#queues.size > 0 && this.#queues.has(key);
  }

  keys(): readonly unknown[] {
    return [...this.#queues.keys()];
  }

  first(key: unknown): WaitingSend | undefined {
    return this.#queues.get(key)?.[0];
  }

  last(key: unknown): WaitingSend | undefined {
    return this.#queues.get(key)?.at(-1);
  }

  /** True where it is the only one with its key. */
  add(waiting: WaitingSend): boolean {
    const queue = this.#queues.get(waiting.key);
    this.#bytes += waiting.sizeBytes;
    if (queue === undefined) this.#queues.set(waiting.key, [waiting]);
    else queue.push(waiting);
    return queue === undefined;
  }

  /** An envelope with this key was refused, because too much waits. */
  refuse(key: unknown): void {
    this.#refused.add(key);
  }

  /** One more envelope with this key would wait, or was refused a moment ago. */
  isHeldUp(key: unknown): boolean {
    return this.has(key) || this.#refused.has(key);
  }

  /** Resolves when nothing with this key waits any more; undefined when nothing does. */
  idle(key: unknown): Promise<void> | undefined {
    if (!this.has(key)) return undefined;
    const idle = this.#idle.get(key) ?? new Deferred<void>();
    this.#idle.set(key, idle);
    return idle.promise;
  }

  /** The first with its key waits no more. Does nothing when it was removed before. */
  left(waiting: WaitingSend): void {
    const { key } = waiting;
    const queue = this.#queues.get(key);
    if (queue?.[0] !== waiting) return;
    queue.shift();
    this.#removed([waiting]);
    if (queue.length === 0) this.#end(key);
  }

  /** Removes all with this key. */
  drop(key: unknown): readonly WaitingSend[] {
    const queue = this.#queues.get(key) ?? [];
    this.#removed(queue);
    this.#end(key);
    return queue;
  }

  clear(): readonly WaitingSend[] {
    return this.keys().flatMap((key) => this.drop(key));
  }

  #removed(gone: readonly WaitingSend[]): void {
    for (const { sizeBytes } of gone) this.#bytes -= sizeBytes;
    this.#refused.clear();
  }

  #end(key: unknown): void {
    this.#queues.delete(key);
    this.#idle.get(key)?.resolve();
    this.#idle.delete(key);
  }
}
