/** `[default = ...]` of proto2 and editions, as JavaScript source. */
import { scalarFacts } from './scalars.js';
import type { FieldType } from './schema.js';
import { quoted } from './texts.js';
import type { EnumNode, OptionValue } from './syntax/index.js';

const RANGES: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  uint: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Undefined when it is not a value of `type`. `declared` is what an enum declares. */
export function defaultValue(type: FieldType, value: OptionValue, declared: EnumNode | undefined): string | undefined {
  if (type.kind === 'message') return undefined;
  if (value.kind === 'string') return type.kind === 'scalar' ? textDefault(type.scalar, value.bytes) : undefined;
  if (value.kind !== 'word') return undefined;
  const { text } = value;
  if (type.kind === 'enum') return declared?.values.find(({ name }) => name === text)?.number.toString();
  switch (scalarFacts(type.scalar).type) {
    case 'boolean':
      return text === 'true' || text === 'false' ? text : undefined;
    case 'string':
    case 'Uint8Array':
      return undefined;
    case 'bigint':
    case 'number':
      if (type.scalar === 'double' || type.scalar === 'float') return floatDefault(text, type.scalar === 'float');
      return integerDefault(text, type.scalar, type.asNumber);
  }
}

function textDefault(scalar: string, bytes: Uint8Array): string | undefined {
  // Fresh bytes for each message, which its owner may change.
  if (scalar === 'bytes') return `Uint8Array.of(${bytes.join(', ')})`;
  return scalar === 'string' ? quoted(Buffer.from(bytes).toString('utf8')) : undefined;
}

/** Without the global names, which messages may have. */
function floatDefault(text: string, isFloat: boolean): string | undefined {
  const [sign, digits] = text.startsWith('-') ? ['-', text.slice(1)] : ['', text];
  if (digits === 'inf') return `${sign}1 / 0`;
  if (digits === 'nan') return '0 / 0';
  const value = Number(
    digits.replace(/^(\d.*|\.\d.*)[fF]$/, (whole, number: string) => (/^0[xX]/.test(digits) ? whole : number)),
  );
  if (Number.isNaN(value) || digits === '') return undefined;
  const rounded = isFloat ? Math.fround(value) : value;
  if (rounded === Number.POSITIVE_INFINITY) return `${sign}1 / 0`;
  return `${sign}${rounded}`;
}

function integerDefault(text: string, scalar: string, asNumber: boolean): string | undefined {
  const [sign, digits] = text.startsWith('-') ? ['-', text.slice(1)] : ['', text];
  if (!/^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(digits)) return undefined;
  const isOctal = /^0\d/.test(digits);
  if (isOctal && !/^[0-7]+$/.test(digits)) return undefined;
  const size = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const value = sign === '-' ? -size : size;
  const isUnsigned = scalar.startsWith('u') || scalar.startsWith('fixed');
  const [min, max] = RANGES[(isUnsigned ? 'uint' : 'int') + (scalar.endsWith('64') ? '64' : '')] ?? [0n, 0n];
  if (value < min || value > max) return undefined;
  if (!scalar.endsWith('64')) return value.toString();
  if (!asNumber) return `${value}n`;
  return Number.isSafeInteger(Number(value)) ? value.toString() : undefined;
}
