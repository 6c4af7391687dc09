import { expect } from 'chai';
import type { ActorRef, DeadLetter } from '#src/actors/kernel/index.js';
import { PeerName } from '#src/actors/transport/peer-name.js';
import { ResourceError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { Chores, Errands, Listing } from './errands.js';
import { FieldMemory, full } from './field-memory.js';
import { endWorlds, errands, listing, type Partition, PartitionWorld } from './partitions.js';

const NAME = 'desk/first';
const LARGE = limits.inlineFieldBytes + 1;

/** A partition with a desk and a lister, and another one that has looked the desk up by its name, and has been sent a reference of the lister. */
async function setUp() {
  const world = new PartitionWorld({ latencyMs: 1, linkDeadMs: 1_000, linkLimits: { linkBacklogBytes: 100_000 } });
  const memory = new FieldMemory();
  const [near, far] = [await world.start('a/1', { fields: memory }), await world.start('b/1', { fields: memory })];
  const idle = new Promise<void>(() => {});
  const desk = far.system.spawn(errands({ mailbox: { capacity: 4 }, rush: () => idle.then(() => ({})) }));
  const lister = far.system.spawn(listing({ run: () => idle.then(() => ({})) }));
  const letters: DeadLetter[] = [];
  near.system.deadLetters.subscribe((letter) => letters.push(letter));
  const ref = near.system.reference(Errands, desk.toRef(), NAME);
  const list = world.reach(near, Listing, lister);
  return { world, memory, near, far, desk, ref, lister, list, letters };
}

type World = Awaited<ReturnType<typeof setUp>>;

async function met(world: World): Promise<World> {
  await world.ref.run({});
  return world;
}

async function cut({ world, near }: World): Promise<void> {
  world.network.partition(['a'], ['b']);
  await until('the link to be lost', () => [...near.router.channels()].length === 0);
}

async function overflow(world: World, ref: ActorRef<typeof Errands> = world.ref): Promise<string> {
  try {
    for (;;) ref.push({ load: full(10_000, 1) });
  } catch (error) {
    return String(error);
  }
}

async function letter(world: World): Promise<string> {
  await until('a dead letter', () => world.letters.length > 0);
  return world.letters.map(({ path }) => path).join('\n');
}

async function message(work: Promise<unknown>): Promise<string> {
  return (await millraceRejection(work)).message;
}

async function ended(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const element of stream) expect(element).to.be.an('object');
}

/** How each text comes to a user. */
const TEXTS: Readonly<Record<string, (world: World) => Promise<string>>> = {
  'an ask that is answered too late': async (world) => message((await met(world)).ref.rush({}, { timeoutMs: 50 })),
  'an ask whose link is lost': async (world) => {
    const asked = message((await met(world)).ref.rush({}));
    await cut(world);
    return asked;
  },
  'an ask whose link was never open': async (world) => {
    world.world.network.partition(['a'], ['b']);
    return message(world.ref.run({}, { timeoutMs: 50 }));
  },
  'an ask that nobody answers at the address': async (world) => {
    world.world.network.partition(['a'], ['b']);
    return message(world.ref.run({}, { timeoutMs: 50_000 }));
  },
  'an ask of a partition that is gone': async (world) => {
    await met(world);
    world.world.network.crash('b');
    await until('the link to be lost', () => [...world.near.router.channels()].length === 0);
    return message(world.ref.run({}));
  },
  'the first ask of an actor that has stopped': async (world) => {
    await (await met(world)).far.system.stop(world.desk);
    return message(world.ref.run({}));
  },
  'another ask of an actor that has stopped': async (world) => {
    await (await met(world)).far.system.stop(world.desk);
    await message(world.ref.run({}));
    await world.world.pass(10);
    return message(world.ref.run({}));
  },
  'ready() of an actor that has stopped': async (world) => {
    await (await met(world)).far.system.stop(world.desk);
    await message(world.ref.run({}));
    await world.world.pass(10);
    return message(world.ref.ready());
  },
  'ready() of an actor whose link is lost': async (world) => {
    await met(world);
    world.ref.rush({}).catch(() => {});
    await overflow(world);
    const ready = message(world.ref.ready());
    await cut(world);
    return ready;
  },
  'ready() that takes too long': async (world) => {
    await met(world);
    world.ref.rush({}).catch(() => {});
    for (let wave = 0; wave < 5; wave += 1) {
      await overflow(world);
      await world.world.pass(20);
    }
    return message(world.ref.ready({ timeoutMs: 50 }));
  },
  'a tell to a full mailbox': async (world) => {
    await met(world);
    world.ref.rush({}).catch(() => {});
    await overflow(world);
    await world.world.pass(50);
    return overflow(world);
  },
  'a stream that is cut off': async (world) => {
    await world.list.run({}, { timeoutMs: 10 }).catch(() => {});
    const read = message(ended(world.list.list({ value: 100_000_000 })));
    await cut(world);
    return read;
  },
  'a stream whose element does not come': async (world) => {
    world.world.network.partition(['a'], ['b']);
    return message(ended(world.list.list({ value: 1 }, { timeoutMs: 50 })));
  },
  'a tell to an actor that has stopped': async (world) => {
    await (await met(world)).far.system.stop(world.desk);
    world.ref.push({});
    return letter(world);
  },
  'a tell on a link that is lost': async (world) => {
    await met(world);
    world.world.network.partition(['a'], ['b']);
    world.ref.push({});
    return letter(world);
  },
  'a tell whose link cannot be opened': async (world) => {
    world.world.network.partition(['a'], ['b']);
    world.ref.push({});
    return letter(world);
  },
  'a tell to a partition that is known to be gone': async (world) => {
    await cut(await met(world));
    world.ref.push({});
    await letter(world);
    world.ref.push({});
    await until('another', () => world.letters.length > 1);
    return letter(world);
  },
  'a tell that gets no memory': async (world) => {
    await met(world);
    world.memory.isFull = true;
    world.ref.push({ load: full(LARGE, 1) });
    world.memory.empty(new ResourceError('no memory'));
    return letter(world);
  },
  'a tell for a method that the actor lacks': async (world) => {
    const { cUid } = (await met(world)).desk.toRef();
    world.near.system.reference(Chores, { cUid }, NAME).push({});
    return letter(world);
  },
};

/** No path of a user's is missing, and no id or address stands alone. */
function expectNamed(text: string, { far }: { readonly far: Partition }): void {
  for (const line of text.split('\n')) {
    // A path begins with the name of the partition.
    expect(line).to.match(new RegExp(`partition (${far.system.name}|${far.ordinal})\\b|\\b${far.system.name}/`));
    expect(line, 'a number that says nothing').not.to.match(/(?<!actor )\b\d{10,}\b/);
    if (/\bactor [0-9a-f]+\b/.test(line)) expect(line).to.match(/actor [0-9a-f]+ \(test\.\w+\)/);
    for (const [before] of line.matchAll(/.{0,20}memory:\/\//g)) {
      expect(before).to.match(/partition \S+ at memory|Connecting to memory|has not answered at memory|: memory/);
    }
  }
}

describe('what a user reads of another partition', () => {
  afterEach(endWorlds);

  for (const [what, provoke] of Object.entries(TEXTS)) {
    it(`names the partition, and the actor by its name and service: ${what}`, async () => {
      const world = await setUp();
      const text = await provoke(world);
      expectNamed(text, world);
      if (/\bactor [0-9a-f]|"/.test(text) && !text.includes('Listing') && !text.includes('never existed'))
        expect(text).to.match(/"desk\/first" \(test\.(Errands|Chores)\)/);
    });
  }

  it('is bounded: the oldest names are forgotten, and then there is the id', () => {
    const name = new PeerName('memory://b', { ordinal: 7 });
    name.introduced(v1.Hello.create({ address: 'memory://b', partition: 'b-1' }));
    for (const index of upTo(limits.linkNamedActors + 1))
      name.knows({ cUid: BigInt(index), service: 'shop.Till', name: `till ${index}` });
    expect(name.pathOf(0n)).to.equal('actor 0 in partition b-1 at memory://b');
    expect(name.pathOf(1n)).to.equal('"till 1" (shop.Till) in partition b-1 at memory://b');
    // Another reference to the same actor has no name.
    name.knows({ cUid: 1n, service: 'shop.Till' });
    expect(name.pathOf(1n)).to.equal('"till 1" (shop.Till) in partition b-1 at memory://b');
  });
});
