import { pipeline } from '#src/actors/runtime/index.js';
import { bytesCodable } from '#src/descriptors/index.js';
import { ProtocolError } from '#src/errors.js';

const refusing = { ...bytesCodable, encode: () => Promise.reject(new ProtocolError('This is no value.')) };

/** Values that cannot be encoded. */
export default pipeline('refused-values', import.meta.url, (p) => {
  const port = p.port('values', refusing, { policy: 'broadcast' });
  p.source('make', port, (output) => output.write(Uint8Array.of(1)));
  p.sink('check', port, { with: 'make' }, async (input) => {
    for await (const bytes of input) throw new Error(`${bytes.length} bytes came`);
  });
});
