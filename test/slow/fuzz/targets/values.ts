import { isDeepStrictEqual } from 'node:util';
import { jsonCodable, Storage, type StoragePool, textCodable, typedArrayCodable } from '#src/descriptors/index.js';
import { holds, type Target } from '../target.js';

/** Readers of values of peers that lie in storage. The first byte of an input chooses one; each part follows its length. */
const readers: readonly ((storage: Storage) => unknown)[] = [
  (storage) => jsonCodable('fuzz.Json').decode(storage),
  (storage) => textCodable.decode(storage),
  (storage) => typedArrayCodable(Float32Array).decode(storage),
];

/** Bytes that reading may copy: each part once, and once more where a number does not lie as it must. */
const COPIES = 4;

export const values: Target = {
  seeds: () => [
    input(0, '{"a":[1,true,null,"x"],"b":{"$part":1,"$type":"Float32Array"}}', 'abcd'),
    input(0, '[{"$part":1,"$type":"Uint8Array"},{"$part":2,"$type":"BigInt64Array"}]', 'xyz', '12345678'),
    input(
      0,
      `[${Array.from({ length: 40 }, () => '{"$part":1,"$type":"Float64Array"}').join(',')}]`,
      '12345678'.repeat(20),
    ),
    input(1, 'a text', ' of two parts'),
    input(2, '12345678'),
  ],
  words: ['{"$part":1,"$type":"', 'Uint8Array"}', 'Float64Array', '"__proto__":', '[[[[[[[[', '1e999', '\\ud800'],
  feed: (bytes) => {
    const read = readers[(bytes[0] ?? 0) % readers.length];
    const counter = new CountingPool();
    const storage = new Storage(
      counter,
      partsOf(bytes.subarray(1)).map((part) => ({ kind: 'inline', bytes: part })),
    );
    const value = read?.(storage);
    holds(counter.copied <= COPIES * bytes.length, `reading ${bytes.length} bytes copied ${counter.copied}`);
    holds(isDeepStrictEqual(read?.(storage), value), 'a value that is read twice is another one');
  },
};

class CountingPool implements StoragePool {
  copied = 0;

  allocate(): never {
    throw new RangeError('Reading allocates nothing in a pool.');
  }

  countCopy(sizeBytes: number): void {
    this.copied += sizeBytes;
  }
}

function partsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
    parts.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return parts;
}

function input(codable: number, ...parts: readonly string[]): Uint8Array {
  const encoded = parts.map((part) => new TextEncoder().encode(part));
  return Uint8Array.from([codable, ...encoded.flatMap((part) => [part.length & 0xff, part.length >> 8, ...part])]);
}
