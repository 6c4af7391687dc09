import { BackpressureError } from '#src/errors.js';

/** What a sender needs of a reference. */
export interface Target {
  push(message: { readonly value: number; readonly load?: Uint8Array }): boolean;
  ready(): Promise<void>;
}

/** What a sender has sent that was accepted: the numbers from `first` on. */
export interface Sent {
  readonly first: number;
  accepted: number;
  refused: number;
}

export interface Sending {
  /** Numbers of this sender begin here, so that a receiver knows whose they are: a multiple of `NUMBERS`. */
  readonly first: number;
  /** Waits for `ready` after `false`. Otherwise it sends until a tell throws BackpressureError, and tries again in its next turn. */
  readonly isPolite: boolean;
  readonly isOver: () => boolean;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  readonly load?: Uint8Array | undefined;
}

/** Numbers of one sender. */
export const NUMBERS = 1_000_000;
const BURST = 50;

/** Sends numbers for as long as it may, in bursts. Any error but BackpressureError ends it. */
export async function send(target: Target, { first, isPolite, isOver, pause, load }: Sending): Promise<Sent> {
  const sent = { first, accepted: 0, refused: 0 };
  const push = (): boolean => {
    const isBelowMark = target.push({ value: first + sent.accepted, ...(load === undefined ? {} : { load }) });
    sent.accepted += 1;
    return isBelowMark;
  };
  while (!isOver()) {
    try {
      for (let count = 0; count < BURST; count += 1) {
        if (!push() && isPolite) await target.ready();
      }
    } catch (error) {
      if (!(error instanceof BackpressureError)) throw error;
      sent.refused += 1;
    }
    await pause();
  }
  return sent;
}

/** What arrived, for each sender. */
export class Arrivals {
  readonly counts = new Map<number, number>();
  /** Numbers that did not follow the one before them from the same sender. */
  readonly disordered: number[] = [];
  total = 0;

  add(value: number): void {
    const sender = Math.floor(value / NUMBERS);
    const count = this.counts.get(sender) ?? 0;
    if (value % NUMBERS !== count) this.disordered.push(value);
    this.counts.set(sender, count + 1);
    this.total += 1;
  }

  /** Jain's index of fairness: 1 when all have the same, 1/n when one has all. */
  fairness(senders: number): number {
    const counts = Array.from({ length: senders }, (_, sender) => this.counts.get(sender) ?? 0);
    const sum = counts.reduce((total, count) => total + count, 0);
    return sum ** 2 / (senders * counts.reduce((total, count) => total + count ** 2, 0));
  }
}
