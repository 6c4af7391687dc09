/**
 * Whether a text arrives as it was sent. One with half of a character, which is a lone surrogate, does not: UTF-8 has none, and all of them become one other character. Two
 * names that differ by that would be the same for a peer. `String.prototype.isWellFormed` is not in every browser.
 */
export function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}
