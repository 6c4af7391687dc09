/**
 * What the codec takes of Node, and what it does in a browser, where there is none of that. Nothing else of `protocol` may use Node: pages
 * load it.
 */
const node = 'process' in globalThis && 'getBuiltinModule' in process ? process : undefined;

/** A Uint8Array, also of another realm. */
export const isUint8Array: (value: unknown) => value is Uint8Array =
  node?.getBuiltinModule('node:util').types.isUint8Array ?? hasTagOfUint8Array;

export const isUtf8: (bytes: Uint8Array) => boolean = node?.getBuiltinModule('node:buffer').isUtf8 ?? decodes;

/** Memory that many values share is never moved to another thread with one of them. Pages have no such threads to this process. */
export function keepHere(buffer: ArrayBuffer): void {
  node?.getBuiltinModule('node:worker_threads').markAsUntransferable(buffer);
}

function hasTagOfUint8Array(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
