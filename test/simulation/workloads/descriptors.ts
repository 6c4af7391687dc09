import { bytesCodable, type Descriptor, MillraceError, type Runtime, type ValuePublisher } from '#src/index.js';
import { workload, type World } from '#src/simulation/index.js';

/** Time that a publisher waits for its readers, in ms. Then it closes. */
const PATIENCE_MS = 3_000;

/**
 * Values between nodes, whose processes crash and whose links are cut: readers that come late, leave early, keep values and give them back in any order,
 * and readers that send them on.
 * Every byte that is read is what was written; memory is free when nobody holds it, and never before.
 */
export default workload('descriptors', {
  sizes: {
    nodes: [1, 4],
    publishers: [1, 4],
    subscribers: [1, 6],
    relays: [0, 2],
    values: [0, 25],
    largestBytes: [1, 40_000],
  },
  faults: { loss: 0.05, duplicate: 0.05, reorder: 0.05, crashes: 2, cuts: 2, oneWayCuts: 2 },
  faultMs: 2_000,
  runtime: () => ({ kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    const pools = new Set<{ readonly statistics: { readonly blocks: number } }>();
    const publishers = Array.from({ length: world.size('publishers') }, (_, index) => publish(world, index, pools));
    const subscribers = Array.from({ length: world.size('subscribers') }, () => subscribe(world));
    const relays = Array.from({ length: world.size('relays') }, (_, relay) => sendOn(world, relay));
    await Promise.all([...publishers, ...subscribers, ...relays]);
    await world.until('all faults to be healed', () => world.isHealed || isQuiet(world));
    await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
    await world.until('all values to be given back, and all their memory to be free', () =>
      world.nodes.every((node) => isIdle(node.runtime)),
    );
    for (const { statistics } of pools) world.check(statistics.blocks === 0, 'blocks of a publisher are in use');
  },
});

/** No frame is lost, and no process ends. */
function isQuiet({ plan: { faults, network } }: World): boolean {
  return faults.length === 0 && network.loss === 0 && network.reorder === 0 && network.duplicate === 0;
}

function isIdle(runtime: Runtime | undefined): boolean {
  if (runtime === undefined) return false;
  const { owned, held, blocks } = runtime.metrics().values;
  return owned === 0 && held === 0 && blocks === 0;
}

async function publish(
  world: World,
  index: number,
  pools: Set<{ readonly statistics: { readonly blocks: number } }>,
): Promise<void> {
  const { runtime } = world.pick(world.nodes);
  if (runtime === undefined) return;
  const pool = runtime.createPool({ name: `pool-${index}`, poison: true });
  await tolerate(world, async () => {
    const policy = world.random() < 0.5 ? 'broadcast' : 'round-robin';
    const publisher = await runtime.publisher(nameOf(index), bytesCodable, { policy, pool });
    const isDone = await Promise.race([writeAll(world, publisher, index), world.pass(PATIENCE_MS).then(() => false)]);
    if (!isDone) await publisher.close();
    // The pool of a process that crashed went with it.
    if (!runtime.isStopping) pools.add(pool);
  });
}

async function writeAll(world: World, publisher: ValuePublisher<Uint8Array>, index: number): Promise<boolean> {
  try {
    for (let number = 0; number < world.size('values'); number++) {
      await publisher.write(valueOf(index, number, 2 + world.below(world.size('largestBytes'))));
      if (world.random() < 0.2) await world.pass(world.below(50));
    }
    await publisher.end();
  } catch (error) {
    // It was closed meanwhile.
    if (!(error instanceof MillraceError)) throw error;
  }
  return true;
}

function subscribe(world: World): Promise<void> {
  const index = world.below(world.size('publishers'));
  return readAll(world, index, nameOf(index));
}

/** Reads values of a publisher, and publishes them again. Others read these, from where they are. */
async function sendOn(world: World, relay: number): Promise<void> {
  const { runtime } = world.pick(world.nodes);
  const index = world.below(world.size('publishers'));
  const name = `relay-${relay}`;
  const readers = [readAll(world, index, name), readAll(world, index, name)];
  if (runtime !== undefined) {
    await tolerate(world, async () => {
      const publisher = await runtime.publisher(name, bytesCodable, { policy: 'broadcast' });
      const isDone = await Promise.race([
        relayAll(runtime, publisher, index),
        world.pass(PATIENCE_MS).then(() => false),
      ]);
      if (!isDone) await publisher.close();
    });
  }
  await Promise.all(readers);
}

async function relayAll(runtime: Runtime, publisher: ValuePublisher<Uint8Array>, index: number): Promise<boolean> {
  try {
    const subscriber = await runtime.subscriber(nameOf(index), bytesCodable, { timeoutMs: 1_000 });
    try {
      for await (const descriptor of subscriber.descriptors()) await publisher.write(descriptor);
    } finally {
      await subscriber.close();
    }
    await publisher.end();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    await publisher.close();
  }
  return true;
}

async function readAll(world: World, index: number, name: string): Promise<void> {
  await world.pass(world.below(500));
  const { runtime } = world.pick(world.nodes);
  if (runtime === undefined) return;
  await tolerate(world, async () => {
    const options = { windowItems: 1 + world.below(20), timeoutMs: 1_000 };
    const subscriber = await runtime.subscriber(name, bytesCodable, options);
    const most = world.random() < 0.3 ? world.below(10) : Number.POSITIVE_INFINITY;
    const kept: Descriptor<Uint8Array>[] = [];
    try {
      let last = -1;
      let count = 0;
      for await (const descriptor of subscriber.descriptors()) {
        kept.push(descriptor);
        last = await read(world, descriptor, index, last);
        if (world.random() < 0.7) kept.splice(world.below(kept.length), 1)[0]?.dispose();
        if (world.random() < 0.2) await world.pass(world.below(30));
        count += 1;
        if (count >= most) break;
      }
    } finally {
      await subscriber.close();
      for (const descriptor of kept) descriptor.dispose();
    }
  });
}

/** Checks every byte. Some are read late. Returns the number of the value. */
async function read(world: World, descriptor: Descriptor<Uint8Array>, index: number, last: number): Promise<number> {
  if (world.random() < 0.2) await world.pass(world.below(100));
  const bytes = await descriptor.takeValue();
  const [from = -1, number = -1] = bytes;
  world.check(
    from === index && number > last,
    `value ${number} of publisher ${from} came after value ${last} of ${index}`,
  );
  const expected = valueOf(index, number, bytes.length);
  world.check(Buffer.compare(bytes, expected) === 0, `value ${number} of publisher ${index} is garbage`);
  return number;
}

/** What fails must be an error of ours, and there must be a reason. */
async function tolerate(world: World, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    world.check(error instanceof MillraceError, 'publishing or reading failed with what is no error of ours');
    const code = error instanceof MillraceError ? error.code : '';
    // A publisher may have closed, or never come.
    const isExpected = code === 'STOPPED' || code === 'ASK_TIMEOUT';
    const text = error instanceof Error ? error.message : '';
    world.check(!isQuiet(world) || isExpected, `a value was lost, though nothing was wrong: ${text}`);
  }
}

function nameOf(index: number): string {
  return `values-${index}`;
}

function valueOf(index: number, number: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes).fill(index * 31 + number);
  bytes[0] = index;
  bytes[1] = number;
  return bytes;
}
