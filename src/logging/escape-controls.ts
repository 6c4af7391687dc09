/**
 * Texts of others (names, addresses, error messages) may hold characters that a terminal obeys: C0 and C1 controls, and those that
 * turn the direction of a line or break it in Unicode. In a log or a message they are written as JavaScript writes them.
 */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text on one line, with nothing in it that a terminal obeys: `\x1b[2J` becomes `\\x1b[2J`, a line feed `\\n`. */
export function escapeLine(text: string): string {
  return text.replaceAll(CONTROLS, escaped);
}

/** The same for a text of several lines, such as a stack: line feeds and tabs stay. */
export function escapeLines(text: string): string {
  return text.replaceAll(CONTROLS, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return SHORT[character] ?? (code < 256 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`);
}
