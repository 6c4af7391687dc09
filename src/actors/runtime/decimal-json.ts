/** The same object, which becomes JSON with its 64-bit ids as decimal strings: JSON has no bigint. */
export function withDecimalJson<T extends object>(value: T): T {
  return Object.defineProperty(value, 'toJSON', { value: () => decimal(value) });
}

function decimal(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decimal);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, decimal(field)]));
}
