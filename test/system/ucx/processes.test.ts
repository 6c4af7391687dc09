import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessagePort } from 'node:worker_threads';
import { expect } from 'chai';
import { type LinkHealth, Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';
import { describeWithUcx } from '../../transport/ucx/available.js';

const PROGRAM = fileURLToPath(new URL('errands-process.js', import.meta.url));
const MESSAGES = 3_000;
const SIZES = [64, 100, 1_000, 5_000, 8_150, 8_192, 20_000, 65_000, 66_000, 200_000];
const MEBIBYTE = 1024 * 1024;

/** From 64 B to 1 MiB, the small ones mostly. */
function sizeOf(index: number): number {
  if (index % 100 === 99) return MEBIBYTE;
  return index % 10 === 0 ? (SIZES[(index / 10) % SIZES.length] ?? 0) : 64 + (index % 1_000);
}

interface Told {
  readonly links: readonly LinkHealth[];
  readonly posts: number;
}

describeWithUcx('two processes that share memory', () => {
  const post = MessagePort.prototype.postMessage;
  let posts = 0;
  let child: ChildProcess;
  let near: Runtime;

  before(() => {
    MessagePort.prototype.postMessage = function (this: MessagePort, ...args: Parameters<MessagePort['postMessage']>) {
      posts += 1;
      post.apply(this, args);
    } as typeof post;
  });
  after(() => {
    MessagePort.prototype.postMessage = post;
  });
  beforeEach(async () => {
    child = fork(PROGRAM);
    const [controlPlane] = (await once(child, 'message')) as [string];
    near = await Runtime.start({ controlPlane, log: silentLogger, nodeName: 'near' });
  });
  afterEach(async () => {
    await near.stop();
    child.kill('SIGKILL');
  });

  const far = async (): Promise<Told> => {
    child.send('tell');
    const [told] = (await once(child, 'message')) as [Told];
    return told;
  };
  /** The link between the two, as both ends see it, when nothing is on its way. */
  const ends = async (): Promise<readonly [LinkHealth, LinkHealth]> => {
    const isBetween = ({ carrier }: LinkHealth): boolean => carrier?.transport === 'ucx';
    for (;;) {
      const [here, there] = [near.health().links.find(isBetween), (await far()).links.find(isBetween)];
      if (here === undefined || there === undefined) throw new Error('there is no such link');
      const isStill = here.framesSent === there.framesReceived && there.framesSent === here.framesReceived;
      if (isStill) return [here, there];
    }
  };

  it('carry every frame on the rings, none on the socket, and post nothing', async () => {
    const ref = await near.lookup(Errands, 'errands');
    const before = await ends();
    const postsBefore = [posts, (await far()).posts];
    let bytes = 0;
    for (let index = 0; index < MESSAGES; index += 1) {
      const load = new Uint8Array(sizeOf(index));
      bytes += load.length;
      if (!ref.push({ load })) await ref.ready();
    }
    const load = new Uint8Array(MEBIBYTE).map((_, index) => index * 7);
    const answers = await Promise.all(
      [64, 8_192, 70_000, MEBIBYTE].map((size) => ref.run({ load: load.subarray(0, size) })),
    );
    expect(new Set(answers.map(({ value }) => value))).to.deep.equal(new Set([bytes]));
    for (const answer of answers) {
      expect(Buffer.compare(answer.load, load.subarray(0, answer.load.length))).to.equal(0);
    }
    const after = await ends();
    for (const [index, end] of after.entries()) {
      const { rings, carrier, framesSent, framesReceived } = end;
      expect(carrier).to.deep.equal({ transport: 'ucx', medium: 'posix' });
      expect(rings).to.deep.include({ framesSent, framesReceived });
      expect(rings?.companionBytes).to.be.greaterThan(0);
      expect(rings?.companionBytes).to.equal(before[index]?.rings?.companionBytes);
    }
    // At least one for each that fits into no frame with others.
    expect(after[0].framesSent - before[0].framesSent).to.be.at.least(MESSAGES / 100);
    expect([posts, (await far()).posts]).to.deep.equal(postsBefore);
  });
});
