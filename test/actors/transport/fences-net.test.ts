import { createServer, connect, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { ActorSystem } from '#src/actors/kernel/index.js';
import { Router } from '#src/actors/transport/index.js';
import { CUidAllocator } from '#src/ids/index.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { errands } from './partitions.js';

/** A partition with real sockets. */
async function partition(name: string, ordinal: number) {
  const scheduler = new RealScheduler();
  const cUids = new CUidAllocator(ordinal);
  const system = new ActorSystem({
    name,
    scheduler,
    logger: silentLogger,
    cUids: () => cUids.next(),
    incarnation: BigInt(ordinal),
  });
  const transport = new NetTransport({ scheduler, listen: 'tcp://127.0.0.1:0', keyless: 'loopback' });
  const router = new Router({ system, scheduler, transport, log: silentLogger });
  const address = await router.listen();
  router.join(ordinal, async () => undefined);
  const close = async (): Promise<void> => {
    await system.shutdown();
    await router.close();
  };
  return { system, router, address, close };
}

/** One connection through the proxy. */
interface Through {
  readonly near: Socket;
  readonly far: Socket;
  /** Bytes that the near end has sent wait here. */
  readonly held: Buffer[];
  isHeld: boolean;
}

/** A proxy in front of a port, whose connections can be held. */
async function proxyTo(port: number) {
  const through: Through[] = [];
  const server: Server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const entry: Through = { near, far, held: [], isHeld: false };
    through.push(entry);
    near.on('data', (bytes) => (entry.isHeld ? void entry.held.push(bytes) : void far.write(bytes)));
    far.on('data', (bytes) => void near.write(bytes));
    for (const socket of [near, far]) socket.on('error', () => {});
    far.on('close', () => near.destroy());
    near.on('close', () => {
      if (!entry.isHeld) far.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const close = (): void => {
    for (const { near, far } of through) for (const socket of [near, far]) socket.destroy();
    server.close();
  };
  return { port: bound.port, through, close };
}

describe('a link of real sockets that a proxy holds up', () => {
  it('delivers nothing after the first message of the next link, and its tells come back to their sender', async () => {
    const [near, far] = [await partition('near', 1), await partition('far', 2)];
    const proxy = await proxyTo(Number(/:(\d+)/.exec(far.address)?.[1]));
    const handled: number[] = [];
    const worker = far.system.spawn(
      errands({
        push: (_state, { value }) => void handled.push(value),
        urge: (_state, { value }) => void handled.push(value),
      }),
    );
    const lost: number[] = [];
    near.system.deadLetters.subscribe(({ message }) => lost.push((message as { value: number }).value));
    const route = near.router.routeTo(far.address.replace(/:\d+/, `:${proxy.port}`), worker.toRef().cUid);
    const ref = near.system.referenceTo(Errands, route);
    try {
      await ref.run({});
      const [first] = proxy.through;
      if (first === undefined) throw new Error('nothing went through the proxy');
      first.isHeld = true;
      ref.push({ value: 1 });
      ref.urge({ value: 2 });
      await until('the tells to be on their way', () => first.held.length > 0);
      first.near.destroy();
      await until('the link to be lost', () => lost.length === 2);
      ref.push({ value: 3 });
      await until('the next link', () => handled.length === 1);
      for (const bytes of first.held.splice(0)) first.far.write(bytes);
      first.far.end();
      await until('the old link to be gone', () => first.far.destroyed);
      expect(await ref.run({ value: 4 })).to.include({ value: 4 });
      expect(handled).to.deep.equal([3]);
      expect(lost).to.have.members([1, 2]);
    } finally {
      await near.close();
      await far.close();
      proxy.close();
    }
  });
});
