/** Small questions to the parser's objects. */
import protobuf from 'protobufjs';
import type { TypeReference } from './schema.js';

/** Where an exported type lives; nested ones are joined by underscores. */
export function referenceTo(object: protobuf.ReflectionObject): TypeReference {
  let name = object.name;
  for (let outer = object.parent; outer instanceof protobuf.Type; outer = outer.parent) name = `${outer.name}_${name}`;
  return { file: object.filename ?? '', name };
}

export function fullNameOf(object: protobuf.ReflectionObject): string {
  return object.fullName.replace(/^\./, '');
}

export function commentOf(object: { readonly comment: string | null }): string | undefined {
  return object.comment ?? undefined;
}
