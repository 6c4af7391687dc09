import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { formatAddress, isLocal, isWildcard, listenAddress, parseAddress } from '#src/socket-address.js';

describe('the address of a listening process', () => {
  const texts = [
    'unix:/run/millrace/a.sock',
    'unix:/tmp/x/link#0f3a',
    'unix:',
    'tcp://127.0.0.1:7000',
    'tcp://[::1]:0#a-b_c',
    'tls://node-1.cluster.example:65535',
  ];

  it('reads as it was written', () => {
    for (const text of texts) {
      const address = parseAddress(text);
      expect(address && formatAddress(address), text).to.equal(text);
    }
  });

  it('is none of anything else', () => {
    const wrong = ['', 'nonsense', 'unix:relative', 'unix:/a b', `unix:/${'x'.repeat(107)}`, 'tcp://host', 'tcp://:80'];
    wrong.push(
      'tcp://host:65536',
      'tcp://host:-1',
      'udp://host:1',
      'tcp://a:1#',
      'tcp://a:1#b#c',
      ' unix:/a',
      'tcp://[zz]:1',
      'tcp://[::1::]:1',
      'tcp://a..b:1',
      'tcp://-x:1',
      'tcp://256.1.1.1:1',
    );
    for (const text of wrong) {
      expect(parseAddress(text), text).to.equal(undefined);
      expect(() => listenAddress(text), text)
        .to.throw(ConfigError, 'It accepts unix:')
        .with.property('message')
        .that.includes('65535');
    }
    fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)));
  });

  it('tells who can come from there', () => {
    const near = ['unix:/a', 'tcp://127.0.0.1:1', 'tcp://127.8.9.1:1', 'tls://[::1]:1', 'tcp://localhost:1'];
    near.push(
      'tcp://LOCALHOST:1',
      'tcp://[::ffff:127.0.0.1]:1',
      'tcp://[0:0::1]:1',
      'tcp://0x7f000001:1',
      'tcp://127.1:1',
      'tcp://0177.0.0.1:1',
    );
    const far = [
      'tcp://10.0.0.1:1',
      'tcp://128.0.0.1:1',
      'tcp://127.0.0.1.example:1',
      'tls://host:1',
      'tcp://0.0.0.0:1',
      'tcp://127.0x.0.1:1',
      'tcp://[::ffff:10.0.0.1]:1',
      'tcp://[::127.0.0.1]:1',
      'tcp://localhost.example:1',
    ];
    for (const text of near) expect(isLocal(listenAddress(text)), text).to.equal(true);
    for (const text of far) expect(isLocal(listenAddress(text)), text).to.equal(false);
    for (const text of ['tcp://0:1', 'tcp://0x0:1', 'tcp://[0::0]:1', 'tcp://[::ffff:0.0.0.0]:1']) {
      expect(isWildcard(listenAddress(text)), text).to.equal(true);
    }
    expect(
      ['tcp://0.0.0.0:1', 'tcp://[::]:1', 'unix:', 'tcp://127.0.0.1:1'].map((each) => isWildcard(listenAddress(each))),
    ).to.deep.equal([true, true, false, false]);
  });
});
