import { isDeepStrictEqual } from 'node:util';
import { decode, encode, type MessageType, Ref, v1 } from '#src/protocol/index.js';
import { compileEverything } from '../../../codegen/everything.js';
import { holds, type Target } from '../target.js';

type AnyType = MessageType<unknown, unknown>;

/** The wire reader, by the generated code of our own protocols and of a message that has every kind of field. The first byte chooses. */
export async function messages(): Promise<Target> {
  const everything = await compileEverything();
  const types = [...typesIn(v1), ...typesIn(everything.exported), Ref].toSorted((left, right) =>
    left.typeName < right.typeName ? -1 : 1,
  );
  return {
    seeds: () => types.map((type, index) => Uint8Array.from([index, ...encode(type, type.create({}))])),
    feed: (bytes) => {
      const type = types[(bytes[0] ?? 0) % types.length];
      if (type !== undefined) checkRoundTrip(type, bytes.subarray(1));
    },
    close: () => everything.remove(),
  };
}

function checkRoundTrip(type: AnyType, bytes: Uint8Array): void {
  const value = decode(type, bytes);
  const encoded = encode(type, value);
  const again = decode(type, encoded);
  holds(isDeepStrictEqual(again, value), `${type.typeName} decodes to something else when it is encoded again`);
  holds(Buffer.compare(encode(type, again), encoded) === 0, `${type.typeName} has two encodings of one value`);
}

function typesIn(exported: object): readonly AnyType[] {
  return Object.values(exported).filter(isMessageType);
}

function isMessageType(value: unknown): value is AnyType {
  return typeof value === 'object' && value !== null && 'typeName' in value && 'read' in value && 'write' in value;
}
