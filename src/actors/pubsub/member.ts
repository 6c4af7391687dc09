import { ProtocolError } from '../../errors.js';
import type { Ref, v1 } from '../../protocol/index.js';

/** The reference of a member of a port. Throws ProtocolError if its record has none. */
export function referenceOf({ id, ref }: v1.Member): Ref {
  if (ref === undefined) {
    throw new ProtocolError(`Member ${id} of a port must carry its reference.`);
  }
  return ref;
}
