/** A .proto file as it is written: names are not resolved, and nothing is checked but the grammar. */

interface Node {
  /** From 1. */
  readonly line: number;
}

interface Named extends Node {
  readonly name: string;
  readonly comment: string | undefined;
  readonly options: readonly OptionNode[];
}

export interface FileNode {
  /** Path below the proto path, such as `shop/pricing.proto`. */
  readonly path: string;
  /** `proto2`, `proto3`, or an edition such as `2023`. */
  readonly edition: string;
  readonly editionLine: number;
  /** Empty without a package. */
  readonly package: string;
  readonly packageLine: number;
  readonly imports: readonly ImportNode[];
  readonly options: readonly OptionNode[];
  readonly messages: readonly MessageNode[];
  readonly enums: readonly EnumNode[];
  readonly services: readonly ServiceNode[];
  readonly extensions: readonly ExtensionNode[];
}

export interface ImportNode extends Node {
  readonly path: string;
  readonly isPublic: boolean;
}

export type OptionValue =
  /** `-inf` and `-nan` have their sign. */
  | { readonly kind: 'word'; readonly text: string }
  /** An integer is a bigint. The sign is in both; only the text has that of `-0`. */
  | { readonly kind: 'number'; readonly text: string; readonly value: bigint | number }
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  | { readonly kind: 'list'; readonly items: readonly OptionValue[] }
  | { readonly kind: 'aggregate'; readonly entries: readonly (readonly [name: string, value: OptionValue])[] };

/** `name` is without parentheses; those of extensions of the options have them. */
export interface OptionPart {
  readonly name: string;
  readonly isExtension: boolean;
  /** Where it is written by its full name, such as `(google.protobuf.MessageOptions.deprecated)`: the message that declares it. */
  readonly owner?: string;
}

export interface OptionNode extends Node {
  /** As it is written: `features.field_presence`, `(millrace.v1.mode)`; without spaces. A field of descriptor.proto is its name alone. */
  readonly spelling: string;
  readonly parts: readonly OptionPart[];
  readonly value: OptionValue;
}

/** Numbers from `from` to `to`, both included. */
export interface RangeNode extends Node {
  readonly from: number;
  readonly to: number;
}

export interface ReservedName extends Node {
  readonly name: string;
}

export interface ReservedNode {
  readonly ranges: readonly RangeNode[];
  readonly names: readonly ReservedName[];
}

export interface MessageNode extends Named {
  /** In the order of the source, those of oneofs included. */
  readonly fields: readonly FieldNode[];
  readonly oneofs: readonly OneofNode[];
  readonly messages: readonly MessageNode[];
  readonly enums: readonly EnumNode[];
  readonly extensions: readonly ExtensionNode[];
  readonly extensionRanges: readonly RangeNode[];
  readonly reserved: ReservedNode;
}

export type Label = 'optional' | 'required' | 'repeated' | undefined;

export interface FieldNode extends Named {
  readonly label: Label;
  readonly number: number;
  /** As it is written; the value's type of a map. */
  readonly type: string;
  /** Of a map. */
  readonly keyType: string | undefined;
  readonly isGroup: boolean;
  /** Name of the oneof that it is a case of. */
  readonly oneof: string | undefined;
}

export interface OneofNode extends Named {
  readonly fieldCount: number;
}

/** A field that `extend` adds to a message of somebody else. */
export interface ExtensionNode {
  readonly extendee: string;
  readonly field: FieldNode;
}

export interface EnumNode extends Named {
  readonly values: readonly ValueNode[];
  readonly reserved: ReservedNode;
}

export interface ValueNode extends Named {
  readonly number: number;
}

export interface ServiceNode extends Named {
  readonly methods: readonly MethodNode[];
}

export interface MethodNode extends Named {
  readonly request: string;
  readonly response: string;
  readonly streamsRequests: boolean;
  readonly streamsResponses: boolean;
}
