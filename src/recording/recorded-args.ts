import { types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { ConfigError, ProtocolError } from '../errors.js';
import type { v1 } from '../protocol/on-demand/index.js';

/** Deeper than any real arguments; a cyclic value exceeds it. */
const MAX_DEPTH = 64;

/** The args of a spawn, for a recording: their bytes, or the path of the first part that a recording cannot keep. */
export function argsRecord(args: unknown): Pick<v1.RecordedStartInit, 'args' | 'unrecordedArgs'> {
  if (args === undefined) return {};
  const unrecordedArgs = findNotData(args, 'args', 0);
  return unrecordedArgs === undefined ? { args: serialize(args) } : { unrecordedArgs };
}

/**
 * The args of a recorded start; `given` replaces those that the recording could not keep. Throws ConfigError where it could not and none are
 * given, ProtocolError for bytes that are damaged.
 */
export function recordedArgs({ path, args, unrecordedArgs }: v1.RecordedStart, given: unknown): unknown {
  if (unrecordedArgs === '') return args.length === 0 ? undefined : decodeArgs(path, args);
  if (given !== undefined) return given;
  throw new ConfigError(
    `The recording does not have the args of ${path}, because ${unrecordedArgs} is not plain data. Replay it from code, with ` +
      'args like those of its spawn: replay(behavior, events, { args }). For a reference, give ref.toRef() in the args.',
  );
}

function decodeArgs(path: string, bytes: Uint8Array): unknown {
  try {
    return deserialize(bytes);
  } catch (cause) {
    throw new ProtocolError(`the recording is damaged: the args of ${path} cannot be read`, { cause });
  }
}

/** Path of the first value that is not the same after a structured clone: a function, or an object of a class of the program. */
function findNotData(value: unknown, path: string, depth: number): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || depth > MAX_DEPTH) return path;
  if (typeof value !== 'object' || value === null || types.isDate(value) || ArrayBuffer.isView(value)) return undefined;
  const parts = partsOf(value, path);
  if (parts === undefined) return path;
  for (const [name, part] of parts) {
    const found = findNotData(part, name, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The values in a plain object or collection, with their paths; undefined for an object of a class of the program. */
function partsOf(value: object, path: string): readonly (readonly [string, unknown])[] | undefined {
  if (Array.isArray(value)) return value.map((part, index) => [`${path}[${index}]`, part]);
  if (types.isSet(value)) return Array.from(value, (part, index) => [`${path}[${index}]`, part]);
  if (types.isMap(value)) return partsOf([...value], path);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  return Object.entries(value).map(([name, part]) => [`${path}.${name}`, part]);
}
