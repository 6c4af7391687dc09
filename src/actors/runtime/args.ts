import { ConfigError } from '../../errors.js';

/** Deeper than any real arguments; a cyclic value exceeds it. */
const MAX_DEPTH = 64;

/**
 * Encodes the arguments of a pipeline or component as JSON; `owner` names it. Throws ConfigError, which names the first value that JSON would
 * drop or change.
 */
export function encodeArgs(owner: string, args: unknown): string {
  const wrong = findNotJson(args ?? {}, 'args', 0);
  if (wrong !== undefined) {
    throw new ConfigError(
      `The arguments of ${owner} must be JSON, because they are sent to other partitions; ${wrong} is not.`,
    );
  }
  return JSON.stringify(args ?? {});
}

/** Path of the first value that is not JSON. Undefined properties are ignored. */
function findNotJson(value: unknown, path: string, depth: number): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return undefined;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : path;
  }
  if (typeof value !== 'object' || depth > MAX_DEPTH) {
    return path;
  }
  if (Array.isArray(value)) {
    return firstOf(value.entries(), (index) => `${path}[${index}]`, depth);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) {
    return path;
  }
  const properties = Object.entries(value).filter(([, property]) => property !== undefined);
  return firstOf(properties, (name) => `${path}.${name}`, depth);
}

function firstOf<Key>(
  entries: Iterable<readonly [Key, unknown]>,
  pathOf: (key: Key) => string,
  depth: number,
): string | undefined {
  for (const [key, value] of entries) {
    const wrong = findNotJson(value, pathOf(key), depth + 1);
    if (wrong !== undefined) {
      return wrong;
    }
  }
  return undefined;
}
