import { ConfigError } from '../../errors.js';

/** Makes a buffer stay where it is, because it holds many values. Use `structuredClone` and `postMessage` with a copy of what you send. */
export function keptInPlace(buffer: ArrayBuffer): ArrayBuffer {
  const refuse = (): never => {
    throw new ConfigError(
      'The memory of a pool cannot be transferred, because it holds other values too. Copy: bytes.slice().',
    );
  };
  // Node 20 has neither method.
  for (const name of ['transfer', 'transferToFixedLength']) Object.defineProperty(buffer, name, { value: refuse });
  return buffer;
}
