import fc from 'fast-check';
import type { EnvelopeError } from '#src/protocol/index.js';

const text = fc.string({ unit: 'binary', maxLength: 60 });
const filled = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });

/** The error of an envelope, with any of its parts. */
export const errors: fc.Arbitrary<EnvelopeError> = fc.record(
  {
    code: text,
    message: text,
    handlerCode: text,
    handlerName: filled,
    handlerNumber: fc.double({ noNaN: true }),
    reason: filled,
    detailType: filled,
    retryAfterMs: fc.integer({ min: 1, max: 0xffff_ffff }),
    isUnsent: fc.constant(true),
    detail: fc.uint8Array({ minLength: 1, maxLength: 50 }),
  },
  { noNullPrototype: true, requiredKeys: ['code', 'message', 'handlerCode'] },
);

/** The same as protobufjs reads it. */
export function errorOf({ code, message, handlerCode, ...more }: EnvelopeError): object {
  const { handlerName, handlerNumber, reason, detailType, detail, retryAfterMs, isUnsent } = more;
  return {
    ...(code !== '' && { code }),
    ...(message !== '' && { message }),
    ...(handlerCode !== '' && { handler_code: handlerCode }),
    ...(handlerName !== undefined && { handler_name: handlerName }),
    ...(handlerNumber !== undefined && { handler_number: handlerNumber }),
    ...(reason !== undefined && { reason }),
    ...(detailType !== undefined && { detail_type: detailType }),
    ...(detail !== undefined && { detail }),
    ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
    ...(isUnsent !== undefined && { is_unsent: isUnsent }),
  };
}
