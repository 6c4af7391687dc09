import { expect } from 'chai';
import { decode, encode, v1, WireWriter } from '#src/protocol/index.js';
import { ProtocolError } from '#src/errors.js';

describe('our own protocols', () => {
  it('are typed: wrong use does not compile', () => {
    const outcome = v1.Outcome.create({ result: { case: 'failed', value: { code: 'X' } } });
    if (outcome.result.case === 'failed') expect(outcome.result.value.message).to.equal('');
    // @ts-expect-error: no such field
    v1.Failure.create({ kode: 'X' });
    // @ts-expect-error: a 64-bit id is a bigint
    expect(() => v1.Ref.create({ cUid: 5 })).to.throw(ProtocolError, 'millrace.v1.Ref.cUid must be a bigint');
    // @ts-expect-error: no such case
    const wrongCase = () => v1.Outcome.create({ result: { case: 'broken', value: true } });
    expect(wrongCase).to.throw(ProtocolError, 'millrace.v1.Outcome.result must be one of the cases');
    // @ts-expect-error: no such method
    expect(v1.Subscriber.methods.elements).to.equal(undefined);
  });

  it('read what they wrote', () => {
    const resource = v1.Resource.create({ id: 5, detail: { case: 'process', value: { pUid: 7n, name: 'left' } } });
    expect(decode(v1.Resource, encode(v1.Resource, resource))).to.deep.equal(resource);
  });

  it('are encoded in a buffer of the right size, however large', () => {
    const element = v1.Element.create({ value: new Uint8Array(100_000).fill(5) });
    expect(decode(v1.Element, encode(v1.Element, element))).to.deep.equal(element);
  });

  it('are encoded in memory of their own when a scratch writer is used again', () => {
    const scratch = new WireWriter(Buffer.alloc(100), 10, 60);
    const [small, large] = [5, 500].map((length) => v1.Element.create({ value: new Uint8Array(length).fill(length) }));
    for (const element of [small, large, small]) {
      if (element === undefined) throw new Error('no element');
      const bytes = encode(v1.Element, element, scratch);
      scratch.bytes.fill(0xff);
      expect(bytes).to.deep.equal(encode(v1.Element, element));
    }
  });

  it('name the type in every error', () => {
    expect(() => encode(v1.Failure, { ...v1.Failure.create(), partition: -1 })).to.throw(
      ProtocolError,
      'millrace.v1.Failure cannot be encoded. millrace.v1.Failure.partition must be an integer from 0 to 4294967295, not -1',
    );
    expect(() => decode(v1.Failure, Uint8Array.of(10, 5))).to.throw(
      ProtocolError,
      'millrace.v1.Failure cannot be decoded. Truncated: 5 more bytes needed at offset 2, but the message ends at 2.',
    );
  });

  it('say that they must be generated again, where their module is too old to write what create takes', () => {
    const old: typeof v1.Failure = {
      ...v1.Failure,
      write({ code }, writer) {
        if (code === undefined) throw new TypeError('code is not iterable');
        writer.tag(10).string(code);
      },
    };
    expect(() => encode(old, { message: 'late' })).to.throw(ProtocolError, 'Generate the module again.');
    expect(encode(old, v1.Failure.create({ code: 'X' }))).to.deep.equal(Uint8Array.of(10, 1, 88));
  });
});
