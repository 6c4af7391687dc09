import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import {
  EnvelopeHeader,
  EnvelopeView,
  readEnvelope,
  WireReader,
  WireWriter,
  writeEnvelope,
} from '#src/protocol/index.js';

function read(bytes: Uint8Array, view: EnvelopeView): void {
  readEnvelope(new WireReader(bytes), bytes.length, view);
}

describe('the keys of meta', () => {
  it('are read as they are, be it one that came before, or one that is nearly the same', () => {
    const letters = fc.constantFrom('a', 'b', 'h', '7', 'é', '☃', '𝄞');
    const keys = fc.oneof(
      fc.string({ unit: letters, maxLength: 4 }),
      fc.constantFrom('__proto__', 'x'.repeat(40), 'y'.repeat(40)),
    );
    const metas = fc.dictionary(keys, fc.string({ maxLength: 5 }), { minKeys: 1, maxKeys: 9, noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(metas, { minLength: 2, maxLength: 40 }), (all) => {
        const view = new EnvelopeView();
        for (const meta of [...all, ...all]) {
          const writer = new WireWriter(new Uint8Array(2_000));
          writeEnvelope(writer, Object.assign(new EnvelopeHeader(), { meta }), undefined, undefined);
          read(writer.bytes.subarray(0, writer.size), view);
          expect(Object.entries(view.meta ?? {})).to.deep.equal(Object.entries(meta));
        }
      }),
    );
  });

  it('are refused when they are not UTF-8, or reach past their entry, each time', () => {
    const view = new EnvelopeView();
    for (const entry of [
      [10, 1, 0x80],
      [10, 2, 0x61],
    ]) {
      const bytes = Uint8Array.from([66, entry.length, ...entry]);
      for (let time = 0; time < 3; time++) expect(() => read(bytes, view)).to.throw(ProtocolError);
    }
  });
});
