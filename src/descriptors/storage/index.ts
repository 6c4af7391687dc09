/**
 * Encoded values: their storage, and how types go to and from it. Descriptors are made of them. It must never know who else holds a value.
 */
export type { Codable } from './codable.js';
export { CodedDescriptor, Descriptor, type DescriptorState, type HeldValue, ResidentDescriptor } from './descriptor.js';
export { assertType, EncodedObject } from './encoded-object.js';
export {
  blockPart,
  type CodableStorage,
  type DecodableStorage,
  type EncodableStorage,
  type Part,
  Storage,
  type StoragePool,
} from './storage.js';
