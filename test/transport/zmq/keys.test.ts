import { expect } from 'chai';
import { Dealer, Router } from 'zeromq';
import { curveKeys } from '#src/transport/zmq/keys.js';

describe('the keys of CURVE', () => {
  it('are those of ZeroMQ: two plain sockets shake hands with them', async () => {
    const { publicKey, secretKey } = curveKeys('a key of more than 16 bytes');
    const router = new Router({ linger: 0, curveServer: true, curveSecretKey: secretKey });
    await router.bind('tcp://127.0.0.1:*');
    const dealer = new Dealer({
      linger: 0,
      curveServerKey: publicKey,
      curvePublicKey: publicKey,
      curveSecretKey: secretKey,
    });
    dealer.connect(router.lastEndpoint ?? '');
    await dealer.send('hello');
    const [, message] = await router.receive();
    expect(message?.toString()).to.equal('hello');
    dealer.close();
    router.close();
  });

  it('are derived from the key of the cluster: the same from the same, others from another', () => {
    const keys = ['a key of more than 16 bytes', Buffer.from('a key of more than 16 bytes'), 'another key of 16'].map(
      (key) => curveKeys(key),
    );
    expect(keys[0]).to.deep.equal(keys[1]);
    expect(keys[0]?.publicKey).to.not.equal(keys[2]?.publicKey);
    expect(keys[0]?.secretKey).to.match(/^.{40}$/);
  });
});
