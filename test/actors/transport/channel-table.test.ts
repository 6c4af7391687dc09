import { expect } from 'chai';
import { v1 } from '#src/protocol/index.js';
import { ChannelTable, holderKey, type KnownChannel } from '#src/actors/transport/channel-table.js';

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
    table.closed(first);
    expect(found()).to.deep.equal([undefined, undefined, second, undefined, undefined]);
    table.closed(first);
    table.closed(second);
    expect(found()).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
  });
});
