/**
 * A sum that does not depend on the order of its terms, so that any number of instances gives the same bits. Floating-point addition
 * alone does: (0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3). Here the error of each addition is kept, as further terms that do not
 * overlap (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997; Python's math.fsum): together they are the exact sum.
 * Whole delays, which real data has, need one term only, and so cost next to nothing.
 */
export class ExactSum {
  /** From the smallest to the largest. */
  readonly #terms: number[] = [];

  /** Adds a finite number. */
  add(value: number): void {
    this.#addScaled(value * SCALE);
  }

  /** Adds what another sum had as its `terms`. */
  addTerms(terms: readonly number[]): void {
    for (const term of terms) this.#addScaled(term);
  }

  /** The exact sum, as it travels. */
  get terms(): readonly number[] {
    return this.#terms;
  }

  /** The sum, rounded once, divided by `count`. */
  mean(count: number): number {
    return rounded(this.#terms) / count / SCALE;
  }

  #addScaled(value: number): void {
    const terms = this.#terms;
    let sum = value;
    let kept = 0;
    for (const term of terms) {
      const [large, small] = Math.abs(sum) < Math.abs(term) ? [term, sum] : [sum, term];
      sum = large + small;
      const error = small - (sum - large);
      if (error !== 0) terms[kept++] = error;
    }
    terms.length = kept;
    if (sum !== 0) terms.push(sum);
  }
}

/** Keeps the sum of any finite numbers from overflowing; a power of two, so that it changes no bit of a number that is a delay. */
const SCALE = 2 ** -64;

/** The number nearest to the sum of `terms`; to even where two are as near. */
function rounded(terms: readonly number[]): number {
  const rest = [...terms];
  let sum = rest.pop() ?? 0;
  let error = 0;
  while (rest.length > 0 && error === 0) {
    const large = sum;
    const small = rest.pop() ?? 0;
    sum = large + small;
    error = small - (sum - large);
  }
  // Halfway between two numbers, by what is in `error`: the next term decides.
  const next = rest.at(-1) ?? 0;
  if (error !== 0 && Math.sign(error) === Math.sign(next)) {
    const doubled = error * 2;
    const nudged = sum + doubled;
    if (doubled === nudged - sum) sum = nudged;
  }
  return sum;
}
