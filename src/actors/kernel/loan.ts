import { ConsumedError } from '../../errors.js';

/** The loan of each view that was lent on this thread, also when it has ended. */
const loans = new WeakMap<Uint8Array, Loan>();
/** Those that have not ended, by the memory that they lie in: a part of what was lent is found by it. */
const open = new WeakMap<ArrayBufferLike, Set<Loan>>();

/** Memory that is lent: its owner gets it back when the loan and all who hold it have been disposed. */
export class Loan implements Disposable {
  readonly #views: readonly Uint8Array[];
  readonly #memory: Disposable;
  #holds = 1;
  #isDisposed = false;

  /** `views` are lent of `memory`. */
  constructor(views: readonly Uint8Array[], memory: Disposable) {
    this.#views = views;
    this.#memory = memory;
    for (const view of views) {
      loans.set(view, this);
      const others = open.get(view.buffer) ?? new Set();
      open.set(view.buffer, others.add(this));
    }
  }

  get isOver(): boolean {
    return this.#holds === 0;
  }

  /** Keeps the memory until what is returned is disposed. Throws ConsumedError when the loan is over. */
  hold(): Disposable {
    if (this.isOver) throw released();
    this.#holds += 1;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#release();
        isHeld = false;
      },
    };
  }

  has({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
    return this.#views.some(
      (view) =>
        view.buffer === buffer &&
        byteOffset >= view.byteOffset &&
        byteOffset + byteLength <= view.byteOffset + view.byteLength,
    );
  }

  /** Does nothing the second time. */
  [Symbol.dispose](): void {
    if (!this.#isDisposed) this.#release();
    this.#isDisposed = true;
  }

  #release(): void {
    this.#holds -= 1;
    if (!this.isOver) return;
    for (const { buffer } of this.#views) open.get(buffer)?.delete(this);
    this.#memory[Symbol.dispose]();
  }
}

/** The loan of bytes, or of a part of them; undefined for bytes that were not lent. Throws ConsumedError for those of a loan that is over. */
export function loanOf(bytes: Uint8Array): Loan | undefined {
  const exact = loans.get(bytes);
  if (exact?.isOver === true) throw released();
  if (exact !== undefined) return exact;
  const lent = open.get(bytes.buffer);
  return lent === undefined ? undefined : [...lent].find((loan) => loan.has(bytes));
}

function released(): ConsumedError {
  return new ConsumedError(
    'Borrowed bytes were used after they had been released: the handler that got them has settled, or the next element was asked for. ' +
      'Keep them with ctx.retain(bytes) before that, or copy them with bytes.slice().',
  );
}
