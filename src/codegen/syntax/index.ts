/**
 * The grammar of .proto files: proto2, proto3 and editions, from text to a tree in which everything has its line. Called by the
 * rest of `codegen`. Must not decide what names mean or what Millrace accepts: it reads what protobuf allows to be written.
 */
export { parseProto } from './parse.js';
export { refusal } from './tokens.js';
export type {
  EnumNode,
  ExtensionNode,
  FieldNode,
  FileNode,
  ImportNode,
  Label,
  MessageNode,
  MethodNode,
  OneofNode,
  OptionNode,
  OptionPart,
  OptionValue,
  RangeNode,
  ReservedNode,
  ServiceNode,
  ValueNode,
} from './tree.js';
