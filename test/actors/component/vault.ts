import { defineSecurity, stateCipher } from '#src/actors/component/index.js';

const cipher = (byte: number) => stateCipher({ keys: [{ id: 1, key: new Uint8Array(32).fill(byte) }] });

export const vault = defineSecurity('vault', import.meta.url, cipher(7));

/** Seals with one key, and opens with another. */
export const broken = defineSecurity('broken', import.meta.url, { seal: cipher(7).seal, open: cipher(8).open });

/** Has no key. */
export const locked = defineSecurity('locked', import.meta.url, {
  ...cipher(7),
  start: () => {
    throw new RangeError('the key is not there');
  },
});
