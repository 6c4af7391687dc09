/** Numbers at which decoders make mistakes. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
/** Varints at which decoders make mistakes: the largest of 32 and 64 bits, one that is too long, one without an end. */
const VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff],
];
/** Most mutations of one input, one after the other. */
const MOST_STEPS = 6;

/** Random changes of inputs. The same seed makes the same changes. */
export class Mutator {
  readonly #random: () => number;
  readonly #words: readonly Uint8Array[];
  readonly #mostBytes: number;

  constructor(random: () => number, words: readonly (string | Uint8Array)[], mostBytes: number) {
    this.#random = random;
    this.#words = words.map((word) => (typeof word === 'string' ? new TextEncoder().encode(word) : word));
    this.#mostBytes = mostBytes;
  }

  /** A changed copy of `input`; `other` is one that it may be spliced with. */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    let bytes = input;
    for (let steps = 1 + this.#below(MOST_STEPS); steps > 0; steps--) bytes = this.#step(bytes, other);
    return bytes.slice(0, this.#mostBytes);
  }

  #step(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const at = this.#below(bytes.length + 1);
    const length = 1 + this.#below(this.#random() < 0.8 ? 8 : 64);
    switch (this.#below(10)) {
      case 0:
        return replaced(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << this.#below(8))]);
      case 1:
        return replaced(bytes, at, 1, [this.#below(256)]);
      case 2:
        return replaced(bytes, at, 1, [((bytes[at] ?? 0) + this.#below(33) - 16) & 0xff]);
      case 3:
        return replaced(bytes, at, length, []);
      case 4:
        return replaced(bytes, at, 0, bytes.subarray(at, at + length));
      case 5: {
        const from = this.#below(bytes.length + 1);
        return replaced(bytes, at, this.#below(2) * length, bytes.subarray(from, from + length));
      }
      case 6: {
        const from = this.#below(other.length + 1);
        return replaced(bytes, at, this.#below(bytes.length), other.subarray(from, from + 4 * length));
      }
      case 7:
        return replaced(bytes, at, this.#below(5), this.#edge());
      case 8:
        return this.#words.length === 0 ? bytes : replaced(bytes, at, this.#below(2) * length, this.#pick(this.#words));
      default:
        return this.#random() < 0.3 ? bytes.subarray(0, at) : replaced(bytes, at, 0, this.#repeated(bytes, at, length));
    }
  }

  /** Many copies of a few bytes: deep nesting, and long lists. */
  #repeated(bytes: Uint8Array, at: number, length: number): Uint8Array {
    const piece = bytes.subarray(at, at + length);
    return Buffer.concat(Array.from({ length: 1 + this.#below(100) }, () => piece));
  }

  #edge(): readonly number[] {
    if (this.#random() < 0.5) return this.#pick(VARINTS);
    const value = this.#pick(EDGES) + this.#below(3) - 1;
    const little = [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
    return little.slice(0, this.#pick([1, 2, 4]));
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const picked = list[this.#below(list.length)];
    if (picked === undefined) throw new RangeError('cannot pick from an empty list');
    return picked;
  }
}

function replaced(bytes: Uint8Array, at: number, removed: number, inserted: ArrayLike<number>): Uint8Array {
  const end = Math.min(bytes.length, at + removed);
  const result = new Uint8Array(at + inserted.length + bytes.length - end);
  result.set(bytes.subarray(0, at));
  result.set(inserted, at);
  result.set(bytes.subarray(end), at + inserted.length);
  return result;
}
