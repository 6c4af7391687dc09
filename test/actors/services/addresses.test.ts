import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ActorRef, assertSentFrom, senderIdentity } from '#src/actors/kernel/index.js';
import { type Infrastructure, openInfrastructure } from '#src/actors/services/index.js';
import { HandlerError } from '#src/errors.js';
import { debugCUid } from '#src/ids/index.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { rejection } from '../../support/rejection.js';
import { certificate, clusterAuthority } from '../../transport/net/certificates.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';

/** How the two processes of a run listen, and by which other name the first one can be dialed. */
const LINKS = [
  { listen: 'unix:', advertisedHost: '', otherName: (address: string) => address },
  { listen: 'tcp://127.0.0.1:0', advertisedHost: '', otherName: named('localhost') },
  { listen: 'tcp://0.0.0.0:0', advertisedHost: 'localhost', otherName: named('127.0.0.1') },
  { listen: 'tls://127.0.0.1:0', advertisedHost: '', otherName: withoutInstance },
  { listen: 'tls://0.0.0.0:0', advertisedHost: '127.0.0.1', otherName: withoutInstance },
] as const;

function named(host: string): (address: string) => string {
  return (address) => address.replace(/\/\/[^:]+/, `//${host}`);
}

function withoutInstance(address: string): string {
  return address.replace(/#.*/, '');
}

const CHANNEL = debugCUid(7);

describe('the address of who sends a request to a process of a run', () => {
  let folder: string;
  let tls: { tlsCertFile: string; tlsKeyFile: string; tlsCaFile: string; keyFileReaders: 'owner' };
  const opened: Infrastructure[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-addresses-'));
    const authority = await clusterAuthority();
    const { cert, key } = await certificate(authority);
    const file = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    tls = {
      tlsCertFile: file('cert.pem', cert),
      tlsKeyFile: file('key.pem', key),
      tlsCaFile: file('ca.pem', authority.cert),
      keyFileReaders: 'owner',
    };
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  async function open(name: string, { listen, advertisedHost }: (typeof LINKS)[number]): Promise<Infrastructure> {
    const links = { name, folder, key: 'a key of more than 16 bytes', listen, advertisedHost, tls };
    const infrastructure = await openInfrastructure(links, new RealScheduler(), silentLogger);
    opened.push(infrastructure);
    return infrastructure;
  }

  for (const links of LINKS) {
    const { listen, advertisedHost, otherName } = links;
    const shown = advertisedHost === '' ? listen : `${listen} as ${advertisedHost}`;

    it(`is the one that it says of itself, whoever has dialed, and by whichever name: ${shown}`, async () => {
      const [asked, asks, forger] = [
        await open('asked', links),
        await open('asks', links),
        await open('forger', links),
      ];
      const identities = new Set<string>();
      const onlyFrom = errands({
        supervision: { onFailure: 'resume' },
        run: (_state, { value }, context) => {
          assertSentFrom(context, asks.address, 'The request');
          identities.add(senderIdentity(context));
          return { value };
        },
      });
      for (const each of [asked, asks]) each.spawn(onlyFrom, { name: 'asked', cUid: CHANNEL });
      const at = (from: Infrastructure, address: string): ActorRef<typeof Errands> =>
        from.reference(Errands, address, CHANNEL);

      // A link that the one who is asked has opened, by another name, is used by the other, too.
      await rejection(at(asked, otherName(asks.address)).run({ value: 1 }));
      for (const address of [asked.address, otherName(asked.address)]) {
        expect(await at(asks, address).run({ value: 2 }), address).to.include({ value: 2 });
        const error = await rejection(at(forger, address).run({ value: 3 }));
        expect(error, address).to.be.instanceOf(HandlerError);
        expect(String(error), address).to.match(/did not arrive over a link of the process at/);
      }
      expect([...identities]).to.have.length(1);
    });
  }
});
