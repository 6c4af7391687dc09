import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { ChannelTable, holderKey, type KnownChannel, mergedHello } from '#src/actors/transport/channel-table.js';

describe('the table of channels', () => {
  it('forgets a channel with all its keys, and keeps those of others', () => {
    const table = new ChannelTable<KnownChannel>();
    const hello = (address: string): v1.Hello => v1.Hello.create({ address, ordinal: 7, incarnation: 9n });
    const [first, second] = [
      { key: 'dialed', peer: hello('a') },
      { key: '', peer: hello('b') },
    ];
    table.opened(first);
    table.introduced(first);
    table.introduced(second);
    const found = (): unknown[] =>
      ['dialed', 'a', 'b', holderKey(7, 9n), holderKey(7, 0n)].map((key) => table.get(key));
    expect(found()).to.deep.equal([first, first, second, first, first]);
    expect(table.after(first)).to.equal(undefined);
    table.closed(first);
    expect(found()).to.deep.equal([undefined, undefined, second, second, second]);
    table.closed(first);
    table.closed(second);
    expect(found()).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
  });
});

describe('the hellos of one peer', () => {
  const first = v1.Hello.create({ address: 'a', incarnation: 9n, token: 5n });
  const second = v1.Hello.create({ ...first, ordinal: 7, takesDetachedFields: true });

  it('bring its ordinal, in whatever order the lanes of the link bring them', () => {
    for (const order of [
      [first, second, first, second],
      [first, first, second, second],
      [second, first],
    ]) {
      let known: v1.Hello | undefined;
      for (const hello of order) known = mergedHello(known, hello);
      expect(known).to.deep.equal(second);
    }
  });

  it('are refused where they are those of two', () => {
    for (const other of [{ address: 'b' }, { incarnation: 8n }, { token: 4n }, { ordinal: 6 }]) {
      expect(() => mergedHello(second, v1.Hello.create({ ...second, ...other }))).to.throw(
        ProtocolError,
        'another one',
      );
    }
  });
});
