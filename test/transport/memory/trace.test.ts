import { expect } from 'chai';
import { Lane } from '#src/protocol/index.js';
import { numbered } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { World } from './world.js';

/** A run with some of everything; gives its trace as text. */
async function story(seed: number): Promise<string> {
  const world = new World({ seed, latencyMs: 5, jitterMs: 5, loss: 0.1, duplicate: 0.1, reorder: 0.1 });
  const { client, server } = await world.link('node-1/a', 'node-2/a');
  const other = await world.link('node-3/a', 'node-2/b');
  server.onFrame = (lane, bytes) => void server.trySend(lane, bytes);
  for (const number of upTo(100)) {
    client.trySend(number % 4 === 0 ? Lane.control : Lane.data, numbered(number, 4 + number * 10));
    other.client.trySend(Lane.data, numbered(Math.floor(world.scheduler.random() * 1_000)));
    if (number % 10 === 0) await world.reach(world.scheduler.now() + 3);
  }
  world.network.partition(['node-3'], ['node-2']);
  await world.reach(200);
  world.network.heal();
  world.network.crash('node-2/a');
  await client.end();
  world.network.restart('node-2/a');
  other.client.link.close();
  await other.server.end();
  await world.end();
  return world.trace.map((line) => `${line}\n`).join('');
}

describe('the trace of the pseudo-network', () => {
  it('is the same for the same seed, byte for byte, and another for another', async () => {
    const seven = await story(7);
    expect(await story(7)).to.equal(seven);
    expect(await story(8)).to.not.equal(seven);
  });

  it('tells every kind of event', async () => {
    const text = await story(7);
    const kinds = new Set(text.split('\n').map((line) => line.split(' ')[1] ?? ''));
    const frames = ['sent', 'delivered', 'lost', 'duplicated', 'reordered'];
    const others = ['opened', 'closed', 'partition', 'heal', 'crash', 'restart', ''];
    expect([...kinds].toSorted()).to.deep.equal([...frames, ...others].toSorted());
  });

  it('reads as documented', async () => {
    const world = new World({ latencyMs: 1.5 });
    const { client, server } = await world.link('node-1/a', 'node-2/a');
    client.trySend(Lane.control, new Uint8Array([1, 2, 3]));
    await server.receives(1);
    world.network.partition(['node-1'], ['node-2', 'node-3/b']);
    world.network.heal();
    client.link.close();
    await server.end();
    const ends = 'link=1 from=memory://node-1/a/0 to=memory://node-2/a/0';
    expect(world.trace).to.deep.equal([
      `1.500 opened ${ends}`,
      `3.000 sent ${ends} lane=control sequence=1 length=3 checksum=55bc801d`,
      `4.500 delivered ${ends} lane=control sequence=1 length=3 checksum=55bc801d`,
      '4.500 partition node-1 | node-2,node-3/b',
      '4.500 heal',
      `4.500 closed ${ends} reason=closed`,
      '6.000 closed link=1 from=memory://node-2/a/0 to=memory://node-1/a/0 reason=closed',
    ]);
    await world.end();
  });

  it('accounts for every frame: delivered or lost', async () => {
    const lines = (await story(11)).split('\n').map((line) => line.split(' ')[1]);
    const count = (event: string): number => lines.filter((each) => each === event).length;
    expect(count('sent') + count('duplicated')).to.equal(count('delivered') + count('lost'));
  });
});
