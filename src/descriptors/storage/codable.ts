import type { DecodableStorage, EncodableStorage } from './storage.js';

/**
 * How a type of values goes to and from storage.
 *
 *     const points: Codable<Point> = {
 *       typeName: 'acme.Point',
 *       encode: ({ x, y }, storage) => storage.write(new Uint8Array(Float64Array.of(x, y).buffer)),
 *       decode: (storage) => toPoint(storage.bytes()),
 *     };
 */
export interface Codable<T> {
  /** The same on both sides. A reader with another name refuses the value. */
  readonly typeName: string;
  encode(value: T, storage: EncodableStorage): void | Promise<void>;
  /**
   * The value. It may share memory with the storage, which lives until its descriptor is disposed. Should throw ProtocolError for bytes that are no
   * such value.
   */
  decode(storage: DecodableStorage): T;
}
