import { expect } from 'chai';
import { netSettings } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { type OptionValues, resolveOptions } from '#src/options/index.js';
import { rejection } from '../../support/rejection.js';

describe('where a process listens that joins others and has no option listen', () => {
  const listenOf = async (code: Partial<OptionValues>) => (await netSettings(resolveOptions({ code }).values))?.listen;

  it('is loopback beside a control plane there, in whatever spelling', async () => {
    for (const host of [
      '127.0.0.1',
      '127.1.2.3',
      'localhost',
      'LOCALHOST',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0x7f000001',
    ]) {
      expect(await listenOf({ controlPlane: `tcp://${host}:7000` }), host).to.equal(`tcp://${host}:0`);
      expect(await listenOf({ controlPlane: `tcp://a.example:7000 tls://${host}:7000` })).to.equal(`tls://${host}:0`);
      expect(await listenOf({ controlPlane: `ws://${host}/millrace` }), host).to.equal('unix:');
      expect(await listenOf({ clusterStore: `nats://${host}:4222/bucket` }), host).to.equal('unix:');
    }
    expect(await listenOf({ controlPlane: 'unix:/run/a.sock' })).to.equal('unix:');
  });

  it('is refused elsewhere: only a user knows how others reach this host', async () => {
    for (const host of [
      'a.example',
      '127.0.0.1.example',
      'localhost.example',
      '10.0.0.1',
      '[::ffff:10.0.0.1]',
      '[fd00::1]',
    ]) {
      for (const code of [{ controlPlane: `tcp://${host}:7000` }, { clusterStore: `nats://${host}:4222/bucket` }]) {
        expect(await rejection(listenOf(code)), host)
          .to.be.instanceOf(ConfigError)
          .with.property('message')
          .that.includes('set the option listen');
      }
    }
  });
});
