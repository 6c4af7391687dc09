import { ProtocolError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { Codable } from '../storage/index.js';

/** Arrays of numbers that can lie in a pool. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The class of a typed array. */
export interface TypedArrayClass<T extends TypedArray> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
}

/** Bytes. What is decoded is a view of the storage. */
export const bytesCodable: Codable<Uint8Array> = typedArrayCodable(Uint8Array);

/**
 * Numbers of one type, in the byte order of the machine (little-endian). What is decoded is a view of the storage.
 *
 *     const samples = typedArrayCodable(Float32Array);
 */
export function typedArrayCodable<T extends TypedArray>(type: TypedArrayClass<T>): Codable<T> {
  return {
    typeName: `millrace.${type.name}`,
    encode: (array, storage) => {
      if (isOf(type, array)) return storage.write(bytesOf(array));
      throw new ProtocolError(`A value cannot be encoded as ${type.name}: it is ${shownValue(array)}.`);
    },
    decode: (storage) => viewOf(type, storage.bytes(), (copied) => storage.countCopy(copied)),
  };
}

/** Whether a value is such an array, of any realm. A Buffer of Node is a Uint8Array. */
export function isOf<T extends TypedArray>(type: TypedArrayClass<T>, value: unknown): value is T {
  return ArrayBuffer.isView(value) && Reflect.get(value, Symbol.toStringTag) === type.name;
}

/** The memory of a typed array. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes as numbers: in place where their offset allows it, else a copy, which `copied` is told. Throws ProtocolError for a part of a number. */
export function viewOf<T extends TypedArray>(
  type: TypedArrayClass<T>,
  bytes: Uint8Array,
  copied: (sizeBytes: number) => void,
): T {
  const { BYTES_PER_ELEMENT: unit, name } = type;
  if (bytes.length % unit !== 0) {
    throw new ProtocolError(`${bytes.length} bytes are no ${name}: its elements have ${unit} bytes each.`);
  }
  if (bytes.byteOffset % unit === 0) return new type(bytes.buffer, bytes.byteOffset, bytes.length / unit);
  copied(bytes.length);
  return new type(bytes.slice().buffer, 0, bytes.length / unit);
}
