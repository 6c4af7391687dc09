/** `[default = ...]` of proto2 and editions, as JavaScript source. */
import { rangeOf, type Scalar, scalarFacts } from './scalars.js';
import type { FieldType } from './schema.js';
import { quoted } from './texts.js';
import type { EnumNode, OptionValue } from './syntax/index.js';

const MAX_MAGNITUDE = 2n ** 64n - 1n;

type WordValue = Extract<OptionValue, { kind: 'word' }>;
type NumberValue = Extract<OptionValue, { kind: 'number' }>;

/** Undefined when it is not a value of `type`. `declared` is what an enum declares. */
export function defaultValue(type: FieldType, value: OptionValue, declared: EnumNode | undefined): string | undefined {
  if (type.kind === 'message') return undefined;
  if (value.kind === 'string') return type.kind === 'scalar' ? textDefault(type.scalar, value.bytes) : undefined;
  if (value.kind === 'list' || value.kind === 'aggregate') return undefined;
  const word = value.kind === 'word' ? value.text : undefined;
  if (type.kind === 'enum') return declared?.values.find(({ name }) => name === word)?.number.toString();
  switch (scalarFacts(type.scalar).type) {
    case 'boolean':
      return word === 'true' || word === 'false' ? word : undefined;
    case 'string':
    case 'Uint8Array':
      return undefined;
    case 'bigint':
    case 'number':
      if (type.scalar === 'double' || type.scalar === 'float') return floatDefault(value, type.scalar === 'float');
      return value.kind === 'number' ? integerDefault(value.value, type.scalar, type.asNumber) : undefined;
  }
}

function textDefault(scalar: string, bytes: Uint8Array): string | undefined {
  // Fresh bytes for each message, which its owner may change.
  if (scalar === 'bytes') return `Uint8Array.of(${bytes.join(', ')})`;
  return scalar === 'string' ? quoted(Buffer.from(bytes).toString('utf8')) : undefined;
}

/** Without the global names, which messages may have. */
function floatDefault(given: WordValue | NumberValue, isFloat: boolean): string | undefined {
  const sign = given.text.startsWith('-') ? '-' : '';
  if (given.kind === 'word') return WORDS[given.text];
  if (isBeyondOctal(given)) return undefined;
  const value = Math.abs(Number(given.value));
  const rounded = isFloat ? Math.fround(value) : value;
  return rounded === Number.POSITIVE_INFINITY ? `${sign}1 / 0` : `${sign}${rounded}`;
}

const WORDS: Readonly<Record<string, string>> = { inf: '1 / 0', '-inf': '-1 / 0', nan: '0 / 0', '-nan': '0 / 0' };

/** Octal and hexadecimal numbers are integers of 64 bits at most; decimal ones may be larger. */
function isBeyondOctal({ text, value }: NumberValue): boolean {
  return typeof value === 'bigint' && /^-?0/.test(text) && (value > MAX_MAGNITUDE || -value > MAX_MAGNITUDE);
}

function integerDefault(value: bigint | number, scalar: Scalar, asNumber: boolean): string | undefined {
  if (typeof value === 'number') return undefined;
  const [min, max] = rangeOf(scalar);
  if (value < min || value > max) return undefined;
  if (!scalar.endsWith('64')) return value.toString();
  if (!asNumber) return `${value}n`;
  return Number.isSafeInteger(Number(value)) ? value.toString() : undefined;
}
