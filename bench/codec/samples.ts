import type { BlobValue, Sample, TradeValue } from './codec.js';

/** 64 bytes when it is encoded. */
export const tradeSample: TradeValue = {
  symbol: 'ACME.XNAS',
  price: 12.5,
  quantity: 1_200,
  account: 0x0001_0203_0405_0607n,
  venue: 'electronic order book, EU1',
  isClosing: true,
  change: -25,
};
const meta = { tenant: 'acme-eu', user: 'u-1234567', request: '4bf92f3577b34da6' };
/** An actor of the partition with ordinal 2. */
const to = (2n << 32n) + 17n;
const method = 7;

/** Samples by the name of their size: the size of the encoded value. */
export const samples: Readonly<Record<string, Sample>> = {
  '64 B': { type: 'Blob', value: blob(62), to, method },
  '64 B, meta of 3': { type: 'Blob', value: blob(62), to, method, meta },
  '1 KiB': { type: 'Blob', value: blob(1_021), to, method },
  '1 KiB, meta of 3': { type: 'Blob', value: blob(1_021), to, method, meta },
  '64 B of 7 fields': { type: 'Trade', value: tradeSample, to, method },
  '64 B of 7 fields, meta of 3': { type: 'Trade', value: tradeSample, to, method, meta },
};

/** True if `decoded` equals the sample. Libraries differ in the types of bytes and 64-bit numbers. */
export function isSame(decoded: object, sample: Sample): boolean {
  const expected = Object.entries(sample.value);
  const found = new Map<string, unknown>(Object.entries(decoded));
  return expected.every(([name, value]) => inWords(found.get(name)) === inWords(value));
}

/** A blob with all byte values. Its encoding has 2 more bytes, or 3 from a size of 128. */
function blob(size: number): BlobValue {
  return { data: Uint8Array.from({ length: size }, (_, index) => (index * 31) & 255) };
}

function inWords(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
