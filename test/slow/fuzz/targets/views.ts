import { isDeepStrictEqual } from 'node:util';
import { ProtocolError } from '#src/errors.js';
import { decode, encode } from '#src/protocol/index.js';
import { compileEverything } from '../../../codegen/everything.js';
import { plainOf } from '../../../codegen/viewed.js';
import { holds, type Target } from '../target.js';

const NAMES = ['Scalars', 'Optionals', 'Lists', 'Maps', 'Choice', 'Tree', 'Numbers', 'Words', 'Borrowed', 'Staff'];

/** Views of a message that has every kind of field, beside its decoder. The first byte chooses the message. */
export async function views(): Promise<Target> {
  const everything = await compileEverything();
  const types = NAMES.map((name) => ({ type: everything.ours(name), view: everything.view(name) }));
  return {
    seeds: () => types.map(({ type }, index) => Uint8Array.from([index, ...encode(type, type.create({}))])),
    feed: (bytes) => {
      const chosen = types[(bytes[0] ?? 0) % types.length];
      if (chosen === undefined) return;
      const { type, view } = chosen;
      const content = bytes.subarray(1);
      const viewed = attempt(() => view.of(content));
      const decoded = attempt(() => decode(type, content));
      holds(
        (viewed === undefined) === (decoded === undefined),
        `${type.typeName} is refused by one of view and decode`,
      );
      holds(isDeepStrictEqual(plainOf(viewed, decoded), decoded), `${type.typeName} has other values in its view`);
    },
    close: () => everything.remove(),
  };
}

/** Undefined for what is refused. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
