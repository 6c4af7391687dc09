/** What a .proto file says, checked and resolved: the only thing that the emitters read. */
import type { Scalar } from './scalars.js';

/** An exported name of a generated module. */
export interface TypeReference {
  /** Proto path of the file that declares it. */
  readonly file: string;
  readonly name: string;
  /** Full protobuf name. */
  readonly fullName: string;
}

export type FieldType =
  /** `asNumber`: a 64-bit integer as a number, by `[jstype = JS_NUMBER]`. `isBorrowed`: its bytes are lent to who reads the message. */
  | { readonly kind: 'scalar'; readonly scalar: Scalar; readonly asNumber: boolean; readonly isBorrowed?: true }
  /** `first`: the number of its first value, which is its default. */
  | { readonly kind: 'enum'; readonly reference: TypeReference; readonly first: number }
  /** `service`: what the actor of a `millrace.v1.Ref` speaks, where the field says so. */
  | { readonly kind: 'message'; readonly reference: TypeReference; readonly service?: ReferencedService };

export interface ReferencedService {
  readonly fullName: string;
  /** Undefined where services are not generated. */
  readonly reference: TypeReference | undefined;
}

export type FieldShape =
  /** Absent on the wire means the default. */
  | { readonly kind: 'implicit' }
  /** Absent means the default that the field declares, JavaScript source; always written. */
  | { readonly kind: 'filled'; readonly source: string }
  /** Absent means undefined: `optional` fields, and messages. */
  | { readonly kind: 'optional' }
  | { readonly kind: 'repeated'; readonly packed: boolean }
  | { readonly kind: 'map'; readonly key: Scalar }
  /** A case of the oneof that is the property of this name. */
  | { readonly kind: 'case'; readonly oneof: string };

export interface FieldSchema {
  /** Property on messages. */
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
  readonly shape: FieldShape;
  readonly comment: string | undefined;
}

export interface OneofSchema {
  readonly name: string;
  readonly comment: string | undefined;
  readonly cases: readonly FieldSchema[];
}

export interface MessageSchema {
  readonly kind: 'message';
  readonly name: string;
  readonly fullName: string;
  readonly comment: string | undefined;
  /** By number, cases of oneofs included. */
  readonly fields: readonly FieldSchema[];
  /** What the message has as properties, in the order of their declaration. */
  readonly properties: readonly (FieldSchema | OneofSchema)[];
}

export interface EnumSchema {
  readonly kind: 'enum';
  readonly name: string;
  readonly fullName: string;
  readonly comment: string | undefined;
  readonly values: readonly { readonly name: string; readonly number: number; readonly comment: string | undefined }[];
}

export interface MethodSchema {
  readonly name: string;
  readonly fullName: string;
  readonly mode: 'ask' | 'tell' | 'stream';
  /** Its requests are a stream. */
  readonly streamsRequests: boolean;
  /** It may be executed more than once. */
  readonly isIdempotent: boolean;
  /** As in src/protocol/lane.ts. */
  readonly lane: 0 | 1;
  readonly request: TypeReference;
  readonly response: TypeReference;
  readonly comment: string | undefined;
}

export interface ServiceSchema {
  readonly kind: 'service';
  /** What protoc refuses in it and Millrace takes, each with its file and line. */
  readonly warnings: readonly string[];
  readonly name: string;
  readonly fullName: string;
  readonly comment: string | undefined;
  readonly methods: readonly MethodSchema[];
}

export type Declaration = MessageSchema | EnumSchema | ServiceSchema;

export interface FileSchema {
  /** Path below the proto path, such as `shop/pricing.proto`. */
  readonly path: string;
  readonly declarations: readonly Declaration[];
  /** What is declared and not generated, with the reason; nothing that is generated needs it. */
  readonly leftOut: readonly string[];
}

export function isOneof(property: FieldSchema | OneofSchema): property is OneofSchema {
  return 'cases' in property;
}
