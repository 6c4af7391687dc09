import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import type { Link } from '#src/transport/index.js';
import type { UcxTransport } from '#src/transport/ucx/index.js';

export function send(transport: UcxTransport, link: Link, lane: Lane, length: number): void {
  const buffer = link.acquire(lane, length);
  if (buffer === undefined) throw new Error('no credit for an answer');
  link.send(lane, buffer, length);
  transport.flush();
}

/** The end that measures. */
export class Near {
  readonly #transport: UcxTransport;
  readonly #link: Link;
  #whenAnswered = (): void => {};
  #whenWritable = (): void => {};

  constructor(transport: UcxTransport, link: Link) {
    this.#transport = transport;
    this.#link = link;
    link.setHandlers({
      frame: () => this.#whenAnswered(),
      writable: () => this.#whenWritable(),
      closed: (reason) => console.error('the link has ended', reason),
    });
  }

  /** Messages a second, until the last has been read at the other end. */
  async rate(size: number, count: number, isPacked: boolean): Promise<number> {
    const [transport, link] = [this.#transport, this.#link];
    const announcement = link.acquire(Lane.control, 4);
    if (announcement === undefined) throw new Error('no credit');
    new DataView(announcement.buffer, announcement.byteOffset).setUint32(0, size * count);
    link.send(Lane.control, announcement, 4);
    const done = new Promise<void>((resolve) => (this.#whenAnswered = resolve));
    const message = new Uint8Array(size).fill(7);
    const inFrame = isPacked ? Math.floor(limits.frameBytes / size) : 1;
    let left = count;
    const write = (): void => {
      for (let turn = 0; left > 0 && turn < 64; turn += 1) {
        const length = Math.min(left, inFrame) * size;
        const buffer = link.acquire(Lane.data, length);
        if (buffer === undefined) return transport.flush();
        for (let at = 0; at < length; at += size) buffer.set(message, at);
        link.send(Lane.data, buffer, length);
        left -= length / size;
      }
      transport.flush();
      if (left > 0) setImmediate(write);
    };
    this.#whenWritable = write;
    const startedMs = performance.now();
    write();
    await done;
    return count / ((performance.now() - startedMs) / 1_000);
  }

  /** One after another, with a pause in which both ends fall asleep. */
  async roundTrips(count: number, idleMs: number): Promise<{ readonly median: number; readonly fastest: number }> {
    const taken: number[] = [];
    for (let trip = 0; trip < count; trip += 1) {
      if (idleMs > 0) await new Promise((resolve) => setTimeout(resolve, idleMs));
      const startedMs = performance.now();
      const answered = new Promise<void>((resolve) => (this.#whenAnswered = resolve));
      send(this.#transport, this.#link, Lane.control, 64);
      await answered;
      taken.push((performance.now() - startedMs) * 1_000);
    }
    taken.sort((a, b) => a - b);
    return { median: taken[count >> 1] ?? 0, fastest: taken[0] ?? 0 };
  }
}
