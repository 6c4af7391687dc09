/** Slots for names; a power of two. */
const SLOTS = 64;
/** Longer names are read anew each time. */
const LONGEST = 32;

/**
 * Names that came before, such as the keys of meta: the same few come with every message, and a string at hand costs less than one that is
 * made of its bytes, and then looked up when it names a property. A name takes the slot of the last that fell on it, so nothing grows.
 */
export class KnownNames {
  readonly #names: (string | undefined)[] = Array.from({ length: SLOTS });

  /** The name in [start, end) of `bytes`, if it is known. */
  find(bytes: Uint8Array, start: number, end: number): string | undefined {
    const name = this.#names[slotOf(bytes, start, end)];
    if (name === undefined || name.length !== end - start) return undefined;
    for (let index = 0; index < name.length; index++) {
      if (name.charCodeAt(index) !== bytes[start + index]) return undefined;
    }
    return name;
  }

  /** Keeps `name`, which was read from [start, end), where it is short and each of its letters is a byte. */
  keep(name: string, bytes: Uint8Array, start: number, end: number): void {
    if (name.length === end - start && name.length <= LONGEST) {
      // As the engine has it for properties: found there at once.
      this.#names[slotOf(bytes, start, end)] = Object.keys({ [name]: 0 })[0];
    }
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const first = start < end ? (bytes[start] as number) : 0;
  const last = start < end ? (bytes[end - 1] as number) : 0;
  return ((end - start) * 7 + first * 3 + last) & (SLOTS - 1);
}
