/** The fields that options and their values name: of messages of options, and custom options. */
import { isScalar } from './scalars.js';
import type { ExtensionSymbol, MessageSymbol, Symbols, TypeSymbol } from './symbols.js';
import type { FieldNode, FileNode } from './syntax/index.js';

export interface OptionField {
  readonly node: FieldNode;
  /** Full name of what it is declared in, where the name of its type is looked for. */
  readonly scope: string;
  readonly file: FileNode;
  /** Those of its file. */
  readonly symbols: Symbols;
  /** Of a custom option. */
  readonly extension?: ExtensionSymbol;
}

export function fieldOf(message: MessageSymbol, name: string, symbols: Symbols): OptionField | undefined {
  const node = message.node.fields.find((field) => field.name === name);
  return node === undefined ? undefined : { node, scope: message.fullName, file: message.file, symbols };
}

/** The message or enum that the field has; undefined for a scalar, and for what is not declared. */
export function typeOf({ node, scope, file, symbols }: OptionField): TypeSymbol | undefined {
  return isScalar(node.type) ? undefined : symbols.type(node.type, scope, file);
}
