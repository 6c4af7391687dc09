import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { BackpressureError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { type LinkHealth, Runtime } from '#src/actors/runtime/index.js';
import { memoryLogger } from '#src/logging/index.js';
import { Errands } from '../../actors/transport/errands.js';
import { describeWithUcx } from '../../transport/ucx/available.js';
import { until } from '../../support/until.js';
import { countPosts } from './counted-posts.js';

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
  let posts: ReturnType<typeof countPosts>;
  let child: ChildProcess;
  let near: Runtime;
  let log: ReturnType<typeof memoryLogger>;

  before(() => {
    posts = countPosts();
  });
  after(() => posts.stop());
  const start = async (linkDeadMs: number): Promise<ActorRef<typeof Errands>> => {
    child = fork(PROGRAM, { env: { ...process.env, MILLRACE_LINK_DEAD_MS: String(linkDeadMs) } });
    const [controlPlane] = (await once(child, 'message')) as [string];
    log = memoryLogger();
    near = await Runtime.start({ controlPlane, log, nodeName: 'near', linkDeadMs });
    return near.lookup(Errands, 'errands');
  };
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
    // A peer that is silent for a fifth of that is asked for a word, on the socket.
    const ref = await start(600_000);
    const before = await ends();
    const postsBefore = [posts.count(), (await far()).posts];
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
      expect(rings?.socketBytes).to.be.greaterThan(0);
      expect(rings?.socketBytes).to.equal(before[index]?.rings?.socketBytes);
    }
    // At least one for each that fits into no frame with others.
    expect(after[0].framesSent - before[0].framesSent).to.be.at.least(MESSAGES / 100);
    expect([posts.count(), (await far()).posts]).to.deep.equal(postsBefore);
  });

  it('outlive that one is stopped: its sender is stopped too, in bounded memory, and nothing is lost', async () => {
    const ref = await start(400);
    await ref.run({});
    child.kill('SIGSTOP');
    await until('it to stop', () => /\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')));
    // Larger ones would travel beside their messages, bounded by the pool.
    const load = new Uint8Array(60_000);
    const push = (): boolean => {
      try {
        ref.push({ load });
        return true;
      } catch (error) {
        if (error instanceof BackpressureError) return false;
        throw error;
      }
    };
    let accepted = 0;
    const fill = async (): Promise<void> => {
      while (push()) accepted += 1;
      await new Promise((resolve) => setImmediate(resolve));
    };
    await fill();
    const before = process.memoryUsage.rss();
    await until('the alarm', () => near.health().links.some(({ isUnresponsive }) => isUnresponsive));
    for (let time = 0; time < 2_000; time += 1) await fill();
    // Were each of them taken, it would be 120 MB.
    expect(process.memoryUsage.rss() - before).to.be.below(64 * MEBIBYTE);
    const bound = limits.linkWindowBytes + limits.linkBacklogBytes + 2 * load.length;
    expect(accepted * load.length).to.be.within(limits.linkBacklogBytes / 2, bound);
    expect(near.metrics().links.unresponsive).to.equal(1);
    child.kill('SIGCONT');
    await ref.ready();
    expect((await ref.run({}, { timeoutMs: 20_000 })).value).to.equal(accepted * load.length);
    await until('an answer', () => near.metrics().links.unresponsive === 0);
    const said = log.records.map(({ message }) => message);
    expect(said).to.include('a peer is unresponsive').and.include('a peer answers again');
  });
});
