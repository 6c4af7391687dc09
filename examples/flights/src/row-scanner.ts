const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * Finds where rows end in the bytes of a JSON array, without parsing them: at a comma, or the array's own bracket, that is
 * neither in a string nor in a row's braces. Goes on where it was when the bytes of a row come in parts.
 *
 * A kind of bracket is not told from another: a row in which they do not match is one for the parser to refuse.
 */
export class RowScanner {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** Index of the comma or bracket that ends the present row; `bytes.length` when it does not end here. */
  findEnd(bytes: Uint8Array, from: number): number {
    let depth = this.#depth;
    let isInString = this.#isInString;
    let isEscaped = this.#isEscaped;
    let index = from;
    for (; index < bytes.length; index++) {
      const byte = bytes[index];
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInString = false;
      } else if (byte === QUOTE) isInString = true;
      else if (byte === COMMA) {
        if (depth === 0) break;
      } else if (byte === 0x7b || byte === 0x5b) depth++;
      else if (byte === 0x7d || byte === 0x5d) {
        if (depth === 0) break;
        depth--;
      }
    }
    this.#depth = depth;
    this.#isInString = isInString;
    this.#isEscaped = isEscaped;
    return index;
  }
}

/** Where each row of a piece of text begins, and where it ends. */
export function rowsOf(bytes: Uint8Array): { readonly start: number; readonly end: number }[] {
  const scanner = new RowScanner();
  const rows: { start: number; end: number }[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const end = scanner.findEnd(bytes, start);
    rows.push({ start, end });
    start = end + 1;
  }
  return rows;
}

/** Index of the first byte that is not white space; `bytes.length` when all are. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let index = from;
  while (index < bytes.length && isSpace(bytes[index])) index++;
  return index;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
