import { expect } from 'chai';
import fc from 'fast-check';
import { type Locate, PeerAddresses } from '#src/actors/transport/peer-addresses.js';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { millraceRejection } from '../../support/rejection.js';

const HOLDER = { ordinal: 3, incarnation: 9n };

function setUp(answer: () => Promise<string | undefined>) {
  const asked: (readonly [number, bigint])[] = [];
  const locate: Locate = (ordinal, incarnation) => {
    asked.push([ordinal, incarnation]);
    return answer();
  };
  return { addresses: new PeerAddresses(locate), asked };
}

const nobody = (): Promise<never> => Promise.reject(new UnreachableError('The control plane is gone.'));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the addresses of peers that a partition knows', () => {
  it('are asked of the control plane once, and known from then on', async () => {
    const { addresses, asked } = setUp(async () => 'memory://b');
    expect(await addresses.find(HOLDER)).to.equal('memory://b');
    expect(await addresses.find(HOLDER)).to.equal('memory://b');
    expect(asked).to.deep.equal([[3, 9n]]);
  });

  it('are those of peers that have introduced themselves, without the control plane', async () => {
    const { addresses } = setUp(nobody);
    expect(await millraceRejection(addresses.find(HOLDER))).to.be.instanceOf(UnreachableError);
    addresses.introduced(HOLDER, 'memory://b', '');
    expect(await addresses.find(HOLDER)).to.equal('memory://b');
    expect(await millraceRejection(addresses.find({ ...HOLDER, incarnation: 8n }))).to.be.instanceOf(UnreachableError);
  });

  it('are not kept for a reference without an incarnation', async () => {
    const { addresses, asked } = setUp(async () => 'memory://b');
    const any = { ...HOLDER, incarnation: 0n };
    for (let index = 0; index < 3; index += 1) await addresses.find(any);
    expect([asked.length, addresses.size]).to.deep.equal([3, 0]);
  });

  it('of the control plane are not replaced by what a peer says', async () => {
    const { addresses } = setUp(async () => 'memory://b');
    await addresses.find(HOLDER);
    addresses.introduced(HOLDER, 'memory://elsewhere', '');
    expect(await addresses.find(HOLDER)).to.equal('memory://b');
  });

  it('of the control plane say for certain that a process has ended', async () => {
    const { addresses, asked } = setUp(async () => 'memory://b');
    await addresses.find(HOLDER);
    expect(addresses.missed(HOLDER, 'memory://b', () => expect.fail('it is certain already'))).to.equal(true);
    expect(asked).to.have.length(1);
  });

  it('of peers do so when the control plane says the same, or that there is no such process', async () => {
    for (const answer of ['memory://b', undefined]) {
      const { addresses, asked } = setUp(async () => answer);
      let gone = 0;
      addresses.introduced(HOLDER, 'memory://b', '');
      for (let index = 0; index < 3; index += 1)
        expect(addresses.missed(HOLDER, 'memory://b', () => (gone += 1))).to.equal(false);
      await turn();
      expect([asked.length, gone]).to.deep.equal([1, 1]);
    }
  });

  it('of peers are corrected by the control plane: nobody can make a process that lives pass for one that has ended', async () => {
    const { addresses } = setUp(async () => 'memory://b');
    addresses.introduced(HOLDER, 'memory://forged', '');
    expect(addresses.missed(HOLDER, 'memory://forged', () => expect.fail('it has not ended'))).to.equal(false);
    await turn();
    expect(await addresses.find(HOLDER)).to.equal('memory://b');
  });

  it('that were forgotten since are asked of the control plane again, before a process counts as ended', async () => {
    for (const [answer, isGone] of [
      ['memory://b', true],
      [undefined, true],
      ['memory://elsewhere', false],
    ] as const) {
      const { addresses, asked } = setUp(async () => answer);
      addresses.introduced(HOLDER, 'memory://b', '');
      for (let ordinal = 10; ordinal < 10 + limits.peerAddresses; ordinal += 1) {
        addresses.introduced({ ordinal, incarnation: 1n }, `memory://${ordinal}`, '');
      }
      let gone = 0;
      expect(addresses.missed(HOLDER, 'memory://b', () => (gone += 1))).to.equal(false);
      await turn();
      expect([asked.length, gone]).to.deep.equal([1, isGone ? 1 : 0]);
    }
  });

  it('are bounded: the one that was used least recently is forgotten', async () => {
    const used = fc.array(fc.integer({ min: 1, max: 2 * limits.peerAddresses }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(used, async (ordinals) => {
        const { addresses } = setUp(nobody);
        for (let ordinal = 1; ordinal <= limits.peerAddresses; ordinal += 1) {
          addresses.introduced({ ordinal, incarnation: 1n }, `memory://${ordinal}`, '');
        }
        const known = ordinals.filter((ordinal) => ordinal <= limits.peerAddresses);
        for (const ordinal of known) await addresses.find({ ordinal, incarnation: 1n });
        const kept = new Set(known);
        for (let more = 1; more <= limits.peerAddresses - kept.size; more += 1) {
          addresses.introduced({ ordinal: 10 * limits.peerAddresses + more, incarnation: 1n }, 'memory://new', '');
        }
        expect(addresses.size).to.equal(limits.peerAddresses);
        for (const ordinal of kept) {
          expect(await addresses.find({ ordinal, incarnation: 1n })).to.equal(`memory://${ordinal}`);
        }
      }),
      { numRuns: 20 },
    );
  });
});
