import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { upTo } from '../support/numbers.js';
import { eventually } from '../support/until.js';
import type { Order, Said } from './exchange.js';
import { heldBy } from './held-by.js';
import { describeWithSharedMemory, MIB } from './pools.js';

const program = fileURLToPath(new URL('exchange.js', import.meta.url));

/** A process that runs exchange.ts. Orders are answered one at a time. */
class Peer {
  name = '';
  readonly #process: ChildProcess;
  readonly #answers: ((answer: unknown) => void)[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.#process = fork(program);
    this.#process.on('message', (said: Said) => this.#heard(said));
  }

  async start(): Promise<this> {
    this.name = String(await this.#answer());
    return this;
  }

  tell(order: Order): Promise<unknown> {
    const answer = this.#answer();
    this.#process.send(order);
    return answer;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  pass(order: Order): void {
    if (this.#process.connected) this.#process.send(order);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  #heard(said: Said): void {
    if (said.kind === 'answer') this.#answers.shift()?.(said.answer);
    else this.#world.find(said.to)?.pass({ kind: 'control', from: this.name, control: said.control });
  }
}

/** Processes that know each other. */
class World {
  readonly peers: Peer[] = [];

  find(name: string): Peer | undefined {
    return this.peers.find((peer) => peer.name === name);
  }

  async start(): Promise<Peer> {
    const peer = await new Peer(this).start();
    for (const other of this.peers) {
      await other.tell({ kind: 'joined', peer: peer.name });
      await peer.tell({ kind: 'joined', peer: other.name });
    }
    this.peers.push(peer);
    return peer;
  }

  async kill(peer: Peer): Promise<void> {
    this.peers.splice(this.peers.indexOf(peer), 1);
    await peer.kill();
    for (const other of this.peers) await other.tell({ kind: 'ended', peer: peer.name });
  }

  /** Waits until no process that is there holds or owns anything, nor has memory of arenas. */
  async settled(): Promise<void> {
    for (const peer of this.peers) {
      await eventually(async () => {
        const state = (await peer.tell({ kind: 'state' })) as Record<string, number>;
        return state['owned'] === 0 && state['held'] === 0 && state['blocks'] === 0;
      });
    }
    for (const peer of this.peers) await peer.tell({ kind: 'trim' });
    for (const { pid } of this.peers) {
      await eventually(() => Object.values(heldBy(pid)).every((count) => count === 0));
    }
  }

  async end(): Promise<void> {
    for (const peer of this.peers) await peer.kill();
  }
}

/** Values go from one process to a second and a third, and one of these is killed, so many times. */
export function describeKills(rounds: number): void {
  describeWithSharedMemory('values between three processes', () => {
    let world: World;

    beforeEach(() => {
      world = new World();
    });

    afterEach(() => world.end());

    /** Sends values, each full of its own number. Returns what the reader knows them by. */
    async function stream(owner: Peer, reader: Peer, values: number): Promise<number[]> {
      const held: number[] = [];
      for (const fill of upTo(values)) {
        const message = String(await owner.tell({ kind: 'publish', to: reader.name, sizeBytes: MIB, fill }));
        held.push(Number(await reader.tell({ kind: 'receive', from: owner.name, message })));
      }
      return held;
    }

    async function forward(from: Peer, to: Peer, held: readonly number[]): Promise<number[]> {
      const there: number[] = [];
      for (const which of held) {
        const message = String(await from.tell({ kind: 'forward', to: to.name, which }));
        there.push(Number(await to.tell({ kind: 'receive', from: from.name, message })));
      }
      return there;
    }

    /** What each finds when it reads every byte; `first` is the number that the first is full of. */
    async function looked(peer: Peer, held: readonly number[], first: number): Promise<unknown[]> {
      const seen: unknown[] = [];
      for (const [index, which] of held.entries())
        seen.push(await peer.tell({ kind: 'check', which, fill: first + index }));
      return seen;
    }

    it('are read without a copy, forwarded, read again, and freed', async function () {
      this.timeout(180_000);
      const [owner, reader, third] = [await world.start(), await world.start(), await world.start()];
      const there = await forward(reader, third, await stream(owner, reader, 5));
      expect(await looked(third, there, 0)).to.deep.equal(upTo(5).map(() => 'good'));
      for (const peer of world.peers) {
        expect(await peer.tell({ kind: 'state' })).to.include({ bytesCopied: 0, violations: 0 });
      }
      for (const which of there) await third.tell({ kind: 'dispose', which });
      await world.settled();
    });

    for (const role of ['owner', 'reader', 'third'] as const) {
      it(`are never garbage and leave nothing when the ${role} is killed in their midst, ${rounds} times`, async function () {
        this.timeout(120_000 + rounds * 10_000);
        const peers = { owner: await world.start(), reader: await world.start(), third: await world.start() };
        for (const _ of upTo(rounds)) {
          const { owner, reader, third } = peers;
          // Two go on to the third, two are read, and two wait.
          const held = await stream(owner, reader, 6);
          const there = await forward(reader, third, held.slice(0, 2));
          expect(await looked(reader, held.slice(2, 4), 2)).to.deep.equal(['good', 'good']);
          await world.kill(peers[role]);
          if (role !== 'reader') {
            const waited = role === 'owner' ? 'UnreachableError' : 'good';
            expect(await looked(reader, held.slice(2), 2)).to.deep.equal(['good', 'good', waited, waited]);
          }
          if (role !== 'third') {
            for (const seen of await looked(third, there, 0)) expect(seen).to.be.oneOf(['good', 'UnreachableError']);
          }
          for (const which of held) if (role !== 'reader') await reader.tell({ kind: 'dispose', which });
          for (const which of there) if (role !== 'third') await third.tell({ kind: 'dispose', which });
          await world.settled();
          peers[role] = await world.start();
        }
      });
    }
  });
}
