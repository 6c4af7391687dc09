import { type ActorRef, BackpressureError, type Behavior, behavior, MillraceError } from '#src/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { Parcels } from '../services/parcels.js';

type Store = ActorRef<typeof Parcels>;

/** How long a sender goes on, in ms, when it gets nothing accepted. Faults last 2 s. */
const PATIENCE_MS = 20_000;
/** A parcel is seldom this large, in bytes: a few of them are the window of a link. */
const LARGE_BYTES = 200_000;

/**
 * Senders that wait for room, and senders that do not, fill the small mailboxes of slow actors on other nodes. Stores fail, end and are
 * replaced. The observer checks that what was accepted is handled or reported, in order, and that every wait ends.
 */
export default workload('flow', {
  sizes: {
    nodes: [1, 4],
    stores: [1, 5],
    senders: [1, 8],
    parcels: [1, 150],
    capacity: [1, 32],
    mailboxKiB: [16, 2_048],
  },
  faults: { loss: 0.05, duplicate: 0.05, reorder: 0.05, crashes: 2, cuts: 2 },
  faultMs: 2_000,
  runtime: smallRooms,
  run: sendParcels,
});

/** Mailboxes and links that a few parcels fill. */
export function smallRooms({ mailboxKiB = 1_024 }: Readonly<Record<string, number>>) {
  return {
    kernelLimits: { stopTimeoutMs: 500, mailboxBytes: mailboxKiB * 1_024 },
    linkLimits: { frameBytes: 1_024, linkBacklogBytes: 16_384 },
  };
}

/** What each of these workloads does. */
export async function sendParcels(world: World): Promise<void> {
  const names = Array.from({ length: world.size('stores') }, (_, index) => `store-${index}`);
  const numbers = new Numbers();
  world.everyStart((node) => {
    node.spawn(store(world, 'fast'), { name: `fast-${node.name}`, register: true });
    for (const [index, name] of names.entries()) {
      const style = STYLES[index % STYLES.length] ?? 'slow';
      if (world.nodes[index % world.nodes.length] === node) node.spawn(store(world, style), { name, register: true });
    }
  });
  const senders = Array.from({ length: world.size('senders') }, (_, index) => send(world, names, index, numbers));
  await Promise.all([...senders, probe(world, numbers)]);
  await world.until('all faults to be healed', () => world.isHealed || world.plan.faults.length === 0);
  await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
}

/** Numbers of parcels: each is used once, so that the observer can tell them apart. */
class Numbers {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/** How an actor handles a parcel. One that fails is restarted. */
const STYLES = ['slow', 'fast', 'failing', 'resting'] as const;
type Style = (typeof STYLES)[number];

function store(world: World, style: Style): Behavior<typeof Parcels, undefined> {
  const handle = (number: number): Promise<void> | undefined => {
    if (style === 'fast') return undefined;
    if (style === 'failing' && number % 61 === 0) throw new Error('the store failed');
    // Now and then it rests for long: its mailbox fills meanwhile.
    return world.pass(style === 'resting' && number % 29 === 0 ? 200 : world.below(4));
  };
  return behavior(Parcels, {
    supervision: { maxRestarts: 10_000 },
    mailbox: { capacity: world.size('capacity') },
    put: (_state, { number }) => handle(number),
    nudge: (_state, { number }) => handle(number),
    weigh: async (_state, { number }) => {
      await handle(number);
      return { number };
    },
    relay: (_state, parcel) => parcel,
    end: (_state, _parcel, context) => context.stop(),
  });
}

/** One sender: it sends to one store after the other, politely or not. */
async function send(world: World, names: readonly string[], index: number, numbers: Numbers): Promise<void> {
  const isPolite = world.random() < 0.6;
  const mostBytes = world.random() < 0.1 ? LARGE_BYTES : world.pick([0, 16, 1_000, 9_000]);
  let left = world.size('parcels');
  const lastMs = world.nowMs + PATIENCE_MS;
  while (left > 0 && world.nowMs < lastMs) {
    try {
      const node = world.pick(world.nodes);
      const ref = await node.lookup(Parcels, world.pick(names), { timeoutMs: 1_000 });
      const part = Math.min(left, 1 + world.below(world.size('parcels')));
      const life = node.generation;
      left -= part;
      // A reference belongs to the process that has looked it up, and ends with it.
      for (let count = 0; count < part && node.isUp && node.generation === life; count++) {
        const parcel = { number: numbers.next(), data: new Uint8Array(world.below(mostBytes + 1)).fill(index) };
        if (isPolite) await sendPolitely(world, ref, parcel);
        else await sendRudely(world, ref, parcel, () => node.isUp && node.generation === life && world.nowMs < lastMs);
      }
    } catch (error) {
      world.check(error instanceof MillraceError, `a sender got what is no error of ours: ${String(error)}`);
      await world.pass(20);
    }
  }
}

interface Sent {
  readonly number: number;
  readonly data: Uint8Array;
}

/** As docs/actors.md says: a sender that waits for `ready` after false is not refused. */
async function sendPolitely(world: World, ref: Store, parcel: Sent): Promise<void> {
  if (world.random() < 0.1) await ref.weigh(parcel, { timeoutMs: 1 + world.below(300) }).catch(isOurs(world));
  else if (!ref.put(parcel)) await ref.ready();
}

/** Repeats it until it is accepted: a refused parcel has not been sent. */
async function sendRudely(world: World, ref: Store, parcel: Sent, mayGoOn: () => boolean): Promise<void> {
  const isControl = world.random() < 0.1;
  while (mayGoOn()) {
    try {
      if (isControl) ref.nudge(parcel);
      else ref.put(parcel);
      if (world.random() < 0.005) ref.end({ number: parcel.number });
      return;
    } catch (error) {
      if (!(error instanceof BackpressureError)) throw error;
      await world.pass(1 + world.below(5));
    }
  }
}

/** A slow actor holds up no other actor of its link. */
async function probe(world: World, numbers: Numbers): Promise<void> {
  for (let time = 0; time < 5; time++) {
    await world.pass(world.below(300));
    const [from, to] = [world.pick(world.nodes), world.pick(world.nodes)];
    const isCalm = world.plan.faults.length === 0 && world.plan.network.loss === 0 && world.plan.network.reorder === 0;
    try {
      const fast = await from.lookup(Parcels, `fast-${to.name}`, { timeoutMs: 2_000 });
      await fast.ready();
      await fast.weigh({ number: numbers.next() }, { timeoutMs: 2_000 });
    } catch (error) {
      const isRefused = error instanceof BackpressureError;
      world.check(isRefused || !isCalm, `fast-${to.name} did not answer ${from.name} in time: ${String(error)}`);
    }
  }
}

function isOurs(world: World): (error: unknown) => void {
  return (error) =>
    world.check(error instanceof MillraceError, `an ask failed with what is no error of ours: ${String(error)}`);
}
