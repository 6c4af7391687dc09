import { ProtocolError } from '../../errors.js';
import { isRecord, messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Codable, DecodableStorage, EncodableStorage } from '../storage/index.js';
import { bytesOf, isOf, type TypedArray, type TypedArrayClass, viewOf } from './bytes.js';
import { textOf, writeText } from './text.js';

/** Property of the object that stands for a buffer in the text. Its value is the number of the buffer's part. */
const PART = '$part';
/** Property of the same object: the type of the buffer. */
const TYPE = '$type';

const types: readonly TypedArrayClass<TypedArray>[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
];

/**
 * Values of JSON, in which typed arrays may stand as well. Each array is a part of its own: it is referenced where it lies in a pool, and it is a
 * view of the storage when it is decoded. The rest is JSON text. `T` is what the program knows of the values; it is not checked.
 *
 *     const tiles = jsonCodable<{ x: number; y: number; pixels: Uint8Array }>('acme.Tile');
 *
 * Encoding throws ProtocolError for what JSON would change: functions, bigints, NaN, dates, maps, instances of classes, cycles.
 */
export function jsonCodable<T>(typeName: string): Codable<T> {
  return {
    typeName,
    encode: async (value, storage) => {
      const buffers: TypedArray[] = [];
      const text = JSON.stringify(withoutBuffers(value, buffers, 'the value', 0));
      await writeText(text, storage);
      for (const buffer of buffers) await writeBuffer(buffer, storage);
    },
    decode: (storage) => decodeJson(storage),
  };
}

function writeBuffer(buffer: TypedArray, storage: EncodableStorage): Promise<void> {
  return storage.write(bytesOf(buffer));
}

/** JSON has no type that a compiler could check: the caller says which it is. */
function decodeJson<T>(storage: DecodableStorage): T {
  const text = textOf(storage, storage.part(0));
  // Visiting every value costs more than parsing.
  const hasBuffers = storage.parts > 1 || text.includes(`"${PART}"`);
  const seen = new Set<number>();
  try {
    return JSON.parse(text, hasBuffers ? (_key, value: unknown) => revived(value, storage, seen) : undefined) as T;
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError(`${text.length} characters are no JSON: ${messageOf(cause)}`, { cause });
  }
}

/** A copy of the value in which an object stands for each buffer. `path` and `depth` say where it is. */
function withoutBuffers(value: unknown, buffers: TypedArray[], path: string, depth: number): unknown {
  if (depth > limits.messageDepth) {
    throw new ProtocolError(
      `${path} cannot be encoded: it is nested deeper than ${limits.messageDepth} levels, or contains itself.`,
    );
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const buffer = typedArrayOf(value);
  if (buffer !== undefined) {
    buffers.push(buffer.array);
    return { [PART]: buffers.length, [TYPE]: buffer.typeName };
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => withoutBuffers(item, buffers, `${path}[${index}]`, depth + 1));
  }
  if (isPlain(value)) return entriesWithoutBuffers(value, buffers, path, depth);
  throw new ProtocolError(
    `${path} cannot be encoded: it is ${kindOf(value)}. Use values of JSON and typed arrays, or a codable of your own.`,
  );
}

function entriesWithoutBuffers(
  value: Readonly<Record<string, unknown>>,
  buffers: TypedArray[],
  path: string,
  depth: number,
): object {
  if (Object.hasOwn(value, PART))
    throw new ProtocolError(`${path} cannot be encoded: the property ${PART} stands for a buffer.`);
  // As in JSON, a property that is undefined is not there.
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, withoutBuffers(item, buffers, `${path}.${key}`, depth + 1)]),
  );
}

/**
 * The buffer that an object stands for; any other value is itself. `seen` are the parts that were referenced before: a part that is
 * referenced many times might be copied as many times.
 */
function revived(value: unknown, storage: DecodableStorage, seen: Set<number>): unknown {
  if (!isRecord(value) || !Object.hasOwn(value, PART)) return value;
  const { [PART]: part, [TYPE]: name } = value;
  const type = types.find((candidate) => candidate.name === name);
  if (type === undefined || typeof part !== 'number')
    throw new ProtocolError(`A buffer of an encoded value has an unknown type.`);
  if (seen.has(part)) throw new ProtocolError(`Part ${part} of an encoded value is referenced twice.`);
  seen.add(part);
  return viewOf(type, storage.part(part), (copied) => storage.countCopy(copied));
}

function typedArrayOf(value: unknown): { readonly array: TypedArray; readonly typeName: string } | undefined {
  for (const type of types) if (isOf(type, value)) return { array: value, typeName: type.name };
  return undefined;
}

/** An object literal, of any realm. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'a class'}`;
  return typeof value === 'number' ? String(value) : `of type ${typeof value}`;
}
