/** Protobuf's scalar types: how they look in TypeScript, and what they are on the wire. */

export const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

interface ScalarFacts {
  /** Type in TypeScript. */
  readonly type: 'number' | 'bigint' | 'boolean' | 'string' | 'Uint8Array';
  readonly wire: (typeof WIRE)[keyof typeof WIRE];
  /** Method of WireWriter and WireReader. */
  readonly method: string;
}

const facts = {
  double: { type: 'number', wire: WIRE.fixed64, method: 'double' },
  float: { type: 'number', wire: WIRE.fixed32, method: 'float' },
  int32: { type: 'number', wire: WIRE.varint, method: 'int32' },
  uint32: { type: 'number', wire: WIRE.varint, method: 'uint32' },
  sint32: { type: 'number', wire: WIRE.varint, method: 'sint32' },
  fixed32: { type: 'number', wire: WIRE.fixed32, method: 'fixed32' },
  sfixed32: { type: 'number', wire: WIRE.fixed32, method: 'sfixed32' },
  int64: { type: 'bigint', wire: WIRE.varint, method: 'int64' },
  uint64: { type: 'bigint', wire: WIRE.varint, method: 'uint64' },
  sint64: { type: 'bigint', wire: WIRE.varint, method: 'sint64' },
  fixed64: { type: 'bigint', wire: WIRE.fixed64, method: 'fixed64' },
  sfixed64: { type: 'bigint', wire: WIRE.fixed64, method: 'sfixed64' },
  bool: { type: 'boolean', wire: WIRE.varint, method: 'bool' },
  string: { type: 'string', wire: WIRE.lengthDelimited, method: 'string' },
  bytes: { type: 'Uint8Array', wire: WIRE.lengthDelimited, method: 'blob' },
} as const satisfies Readonly<Record<string, ScalarFacts>>;

export type Scalar = keyof typeof facts;

export function isScalar(name: string): name is Scalar {
  return Object.hasOwn(facts, name);
}

/** The least and the greatest value of an integer type. */
export function rangeOf(scalar: Scalar): readonly [min: bigint, max: bigint] {
  const bits = scalar.endsWith('64') ? 64n : 32n;
  const isUnsigned = scalar.startsWith('u') || scalar.startsWith('fixed');
  return isUnsigned ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** What the emitters need to know of a scalar; `asNumber` turns bigint into number. */
export function scalarFacts(scalar: Scalar, asNumber = false): ScalarFacts {
  const found: ScalarFacts = facts[scalar];
  return asNumber && found.type === 'bigint' ? { ...found, type: 'number', method: `${found.method}Number` } : found;
}

/** Constant of a generated module: an empty array costs more than one of 64 bytes, and having no bytes it can be shared. */
export const NO_BYTES = 'no$bytes';

/** The default value of a type, as JavaScript source. */
export function defaultSource(type: ScalarFacts['type']): string {
  switch (type) {
    case 'number':
      return '0';
    case 'bigint':
      return '0n';
    case 'boolean':
      return 'false';
    case 'string':
      return "''";
    case 'Uint8Array':
      return NO_BYTES;
  }
}
