import { ProtocolError } from '../../errors.js';
import type { Ref, v1 } from '../../protocol/index.js';

/** Where a member of a port is; ProtocolError when its record does not say. */
export function referenceOf({ id, ref }: v1.Member): Ref {
  if (ref === undefined) {
    throw new ProtocolError(`Member ${id} of a port must carry its reference.`);
  }
  return ref;
}
