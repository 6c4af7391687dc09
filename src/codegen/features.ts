/** What an edition and its `features` options say of a declaration; proto2 and proto3 are editions with fixed features. */
import { type FileNode, type OptionNode, refusal } from './syntax/index.js';

/** The features that change what is generated. */
export interface Features {
  readonly field_presence: string;
  readonly enum_type: string;
  readonly repeated_field_encoding: string;
  readonly message_encoding: string;
}

const PROTO3: Features = {
  field_presence: 'IMPLICIT',
  enum_type: 'OPEN',
  repeated_field_encoding: 'PACKED',
  message_encoding: 'LENGTH_PREFIXED',
};

const BY_EDITION: ReadonlyMap<string, Features> = new Map([
  ['proto2', { ...PROTO3, field_presence: 'EXPLICIT', enum_type: 'CLOSED', repeated_field_encoding: 'EXPANDED' }],
  ['proto3', PROTO3],
  ['2023', { ...PROTO3, field_presence: 'EXPLICIT' }],
]);

const VALUES: Readonly<Record<keyof Features, readonly string[]>> = {
  field_presence: ['EXPLICIT', 'IMPLICIT', 'LEGACY_REQUIRED'],
  enum_type: ['OPEN', 'CLOSED'],
  repeated_field_encoding: ['PACKED', 'EXPANDED'],
  message_encoding: ['LENGTH_PREFIXED', 'DELIMITED'],
};

/** Those of text and of JSON, which change nothing here: text is always UTF-8, and JSON is not generated. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['utf8_validation', 'json_format']);

/** Undefined for an edition that is not understood. */
export function featuresOf(edition: string): Features | undefined {
  return BY_EDITION.get(edition);
}

/** `outer` with what `options` of a declaration within it say. Throws ConfigError for a feature that is not known. */
export function withOptions(outer: Features, options: readonly OptionNode[], path: string): Features {
  const changed: Record<string, string> = { ...outer };
  for (const { name, value, line } of options.flatMap(settingsOf)) {
    if (WITHOUT_EFFECT.has(name) || name.startsWith('(') || name.startsWith('[')) continue;
    if (!isFeature(name) || value === undefined || !VALUES[name].includes(value)) {
      const known = isFeature(name)
        ? `It accepts ${VALUES[name].join(', ')}.`
        : `There are ${Object.keys(VALUES).join(', ')}.`;
      throw refusal(path, line, `features.${name} = ${value ?? 'a message'} is not understood. ${known}`);
    }
    changed[name] = value;
  }
  return { ...outer, ...changed };
}

/**
 * The features of an enum or a field of `file` that has `options`. Messages cannot say any of them. Undefined for an edition that is not
 * understood.
 */
export function featuresIn(file: FileNode, options: readonly OptionNode[]): Features | undefined {
  const ofEdition = featuresOf(file.edition);
  return ofEdition && withOptions(withOptions(ofEdition, file.options, file.path), options, file.path);
}

export interface Setting {
  readonly name: string;
  readonly value: string | undefined;
  readonly line: number;
}

/** What options say of features: `features.NAME = VALUE` and `features = { NAME: VALUE }`. */
export function settingsOf({ spelling, value, line }: OptionNode): readonly Setting[] {
  const wordOf = (given: OptionNode['value']) => (given.kind === 'word' ? given.text : undefined);
  if (spelling.startsWith('features.'))
    return [{ name: spelling.slice('features.'.length), value: wordOf(value), line }];
  if (spelling !== 'features' || value.kind !== 'aggregate') return [];
  return value.entries.map(([name, entry]) => ({ name, value: wordOf(entry), line }));
}

function isFeature(name: string): name is keyof Features {
  return Object.hasOwn(VALUES, name);
}
