/** The one grammar of number literals, and what they are worth. */

const DECIMAL = /(?:0|[1-9]\d*)/.source;
const EXPONENT = /[eE][+-]?\d+/.source;

/** Sources of regular expressions, for tokens. A leading zero makes an octal number, which is an integer. */
export const FLOAT = `${DECIMAL}\\.\\d*(?:${EXPONENT})?|\\.\\d+(?:${EXPONENT})?|${DECIMAL}${EXPONENT}`;
export const INTEGER = '0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\\d*';

/** The value of an integer token: decimal, hexadecimal, or octal with a leading zero. */
export function integerOf(text: string): bigint {
  return BigInt(/^0[0-7]/.test(text) ? `0o${text.slice(1)}` : text);
}
