import { ProtocolError } from '../../errors.js';
import {
  type AnyMethod,
  EnvelopeMode,
  EnvelopeView,
  readDelimitedEnvelope,
  readValue,
  v1,
  WireReader,
} from '../../protocol/index.js';
import { cUidOf } from './uint64-parts.js';

/** Tells, and reports of tells, of which nobody knows whether the peer has taken them. */
export interface UntakenEnvelopes {
  readonly tells: { readonly cUid: bigint; readonly method: AnyMethod; readonly message: unknown }[];
  readonly reports: v1.Undelivered[];
}

/** What the frames of one lane contain, in order. `methodOf` returns the method that has a number. */
export function untakenIn(
  frames: readonly Uint8Array[],
  maxMessageBytes: number,
  methodOf: (number: number) => AnyMethod | undefined,
): UntakenEnvelopes {
  const untaken: UntakenEnvelopes = { tells: [], reports: [] };
  const [reader, view, values] = [new WireReader(), new EnvelopeView(), new WireReader()];
  for (const frame of frames) {
    reader.reset(frame);
    while (readDelimitedEnvelope(reader, view, maxMessageBytes)) {
      if (view.mode === EnvelopeMode.link) {
        const { message } = readValue(v1.LinkMessage, values, frame, view.valueStart, view.valueEnd);
        if (message.case === 'undelivered') untaken.reports.push(message.value);
      }
      const method = methodOf(view.method);
      if (view.mode !== EnvelopeMode.tell || method === undefined) continue;
      // Its large fields are in a pool, or gone.
      const message = view.detached === undefined ? decoded(method, values, frame, view) : undefined;
      untaken.tells.push({ cUid: cUidOf(view.toLow, view.toHigh), method, message });
    }
  }
  return untaken;
}

/** Undefined for a message that no receiver would read either, such as one that takes too much memory when it is decoded. */
function decoded(method: AnyMethod, reader: WireReader, frame: Uint8Array, view: EnvelopeView): unknown {
  try {
    return readValue(method.request, reader, frame, view.valueStart, view.valueEnd);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}
