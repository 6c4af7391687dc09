import { expect } from 'chai';
import fc from 'fast-check';
import { stateCipher } from '#src/actors/component/index.js';
import { ConfigError, ProtocolError } from '#src/errors.js';

const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const label = { component: 'till', version: 3 };

describe('stateCipher', () => {
  it('opens what it has sealed, whatever that is', async () => {
    const { seal, open } = stateCipher({ keys: [{ id: 0xffff_ffff, key: keyOf(1) }] });
    const check = fc.asyncProperty(fc.uint8Array(), fc.string(), fc.nat(), async (state, component, version) => {
      const bytes = await seal(state, { component, version });
      expect(Buffer.from(await open(bytes, { component, version }))).to.deep.equal(Buffer.from(state));
    });
    await fc.assert(check);
  });

  it('seals with the first key, and opens with all', async () => {
    const [old, next] = [
      { id: 1, key: keyOf(1) },
      { id: 2, key: keyOf(2) },
    ];
    const bytes = await stateCipher({ keys: [old] }).seal(Uint8Array.of(5), label);
    const both = stateCipher({ keys: [next, old] });
    expect([...(await both.open(bytes, label))]).to.deep.equal([5]);
    const renewed = await both.seal(Uint8Array.of(6), label);
    expect(() => stateCipher({ keys: [old] }).open(renewed, label)).to.throw(ProtocolError, 'key 2');
  });

  it('opens nothing that was changed, cut, or is of another component or version', async () => {
    const { seal, open } = stateCipher({ keys: [{ id: 1, key: keyOf(1) }] });
    const bytes = await seal(Uint8Array.of(1, 2, 3), label);
    for (const at of bytes.keys()) {
      expect(() => open(bytes.with(at, (bytes[at] ?? 0) ^ 0x10), label), `byte ${at}`).to.throw(ProtocolError);
      expect(() => open(bytes.subarray(0, at), label), `cut at ${at}`).to.throw(ProtocolError);
    }
    expect(() => open(bytes, { ...label, version: 2 })).to.throw(ProtocolError);
    expect(() => open(bytes, { ...label, component: 'shop' })).to.throw(ProtocolError);
  });

  it('needs keys that are some', () => {
    const key = keyOf(1);
    const wrong: readonly unknown[] = [
      undefined,
      {},
      { keys: [] },
      { keys: [{ id: -1, key }] },
      { keys: [{ id: 1, key: key.subarray(1) }] },
      { keys: [{ id: 1, key: 'secret' }] },
      {
        keys: [
          { id: 1, key },
          { id: 1, key },
        ],
      },
    ];
    for (const options of wrong)
      expect(() => void Reflect.apply(stateCipher, undefined, [options])).to.throw(ConfigError);
  });
});
