import {
  type ActorRef,
  behavior,
  BackpressureError,
  MillraceError,
  StoppedError,
  UnreachableError,
} from '#src/index.js';
import { decode, encode, Ref } from '#src/protocol/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { Parcels } from '../services/parcels.js';

type Store = ActorRef<typeof Parcels>;

/** Time after the last fault in which every process learns which others have ended, in ms. */
const NEWS_MS = 5_000;

/**
 * Reliable links that are cut, for shorter and longer than they live, and processes that crash, the control plane too. References are kept
 * for the whole run: nothing that was accepted is lost without a report, nothing overtakes across links, and nobody else answers.
 */
export default workload('cuts', {
  sizes: { nodes: [2, 4], senders: [1, 6], parcels: [1, 120], spanMs: [100, 6_000], deadMs: [0, 1_000] },
  faults: { crashes: 2, cuts: 8, oneWayCuts: 4, controlPlane: true },
  faultMs: 6_000,
  // The ends of a link give it up at different times: one may be told over a new link what overtakes the old one.
  runtime: ({ deadMs = 0 }, node) => ({
    kernelLimits: { stopTimeoutMs: 500 },
    linkLimits: { frameBytes: 512 },
    linkDeadMs: 200 + Math.abs(1_000 - deadMs * Number(node.slice(-1))),
  }),
  async run(world) {
    world.everyStart((node) => {
      node.spawn(store(world), { name: `store-${node.name}`, register: true });
      for (let guest = 0; guest < GUESTS; guest++) {
        node.spawn(guests(world), { name: `guest-${guest}-${node.name}`, register: true });
      }
    });
    const work = Array.from({ length: world.size('senders') }, (_, index) => sendAll(world, index));
    const visits = Array.from({ length: GUESTS }, (_, guest) => visit(world, guest));
    const kept = (await Promise.all(work)).flatMap((reference) => reference ?? []);
    await Promise.all(visits);
    await world.until('all faults to be healed', () => world.isHealed || world.plan.faults.length === 0);
    await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
    await world.pass(NEWS_MS);
    for (const reference of kept) {
      await checkKept(world, reference);
      await checkStored(world, reference);
    }
  },
});

/** Actors of each node that leave. */
const GUESTS = 3;
/** Numbers of their parcels begin here. */
const GUEST_NUMBERS = 1_000_000_000;

/** A reference that is kept for the whole run, and the lives of the two nodes between which it leads. */
interface Kept {
  readonly ref: Store;
  readonly from: SimulatedNode;
  readonly fromLife: number;
  readonly to: SimulatedNode;
  readonly toLife: number;
}

function store(world: World) {
  return behavior(Parcels, {
    put: () => {},
    nudge: () => {},
    weigh: async (_state, { number }) => {
      if (number % 3 === 0) await world.pass(world.below(20));
      return { number };
    },
    relay: (_state, { number, data }, context) =>
      context.ref(Parcels, decode(Ref, data)).weigh({ number }, { timeoutMs: 1_000 }),
    end: () => {},
  });
}

/** A guest is slow, and leaves while parcels wait for it. */
function guests(world: World) {
  return behavior(Parcels, {
    put: (_state, { number }, context) => {
      if (number % 20 === 0) context.stop();
      return world.pass(world.below(20));
    },
    nudge: () => {},
    weigh: (_state, { number }) => ({ number }),
    relay: (_state, parcel) => parcel,
    end: () => {},
  });
}

/** Sends parcels to one guest, which leaves meanwhile. */
async function visit(world: World, guest: number): Promise<void> {
  await world.pass(world.below(world.size('spanMs')));
  const [from, to] = [world.pick(world.nodes), world.pick(world.nodes)];
  if (!from.isUp) return;
  const life = from.generation;
  const ref = await from.lookup(Parcels, `guest-${guest}-${to.name}`, { timeoutMs: 2_000 }).catch(() => undefined);
  for (let number = 1; ref !== undefined && number <= 50 && isSameLife(from, life); number++) {
    tell(world, ref, { number: GUEST_NUMBERS + guest * 1_000 + number, data: new Uint8Array(world.below(300)) });
    if (world.random() < 0.3) await world.pass(world.below(30));
  }
}

async function keep(world: World): Promise<Kept | undefined> {
  const [from, to] = [world.pick(world.nodes), world.pick(world.nodes)];
  if (!from.isUp || !to.isUp) return undefined;
  const [fromLife, toLife] = [from.generation, to.generation];
  const ref = await from.lookup(Parcels, `store-${to.name}`, { timeoutMs: 2_000 }).catch(() => undefined);
  // A lookup waits: it may have found the actor of a later life.
  return ref === undefined || !isSameLife(to, toLife) ? undefined : { ref, from, fromLife, to, toLife };
}

/** Sends in bursts by one reference, whatever happens to its link. */
async function sendAll(world: World, index: number): Promise<Kept | undefined> {
  await world.pass(world.below(500));
  const kept = await keep(world);
  if (kept === undefined) return undefined;
  // Half of the parcels wait for half of it on average: all of them take spanMs.
  const pauseMs = (4 * world.size('spanMs')) / world.size('parcels');
  for (let number = 0; number < world.size('parcels'); number++) {
    if (!isSameLife(kept.from, kept.fromLife)) return undefined;
    const parcel = { number: index * 1_000_000 + number, data: new Uint8Array(world.below(300)) };
    if (world.random() < 0.2) void kept.ref.weigh(parcel, { timeoutMs: 1 + world.below(500) }).catch(isOurs(world));
    else tell(world, kept.ref, parcel);
    if (world.random() < 0.5) await world.pass(world.random() * pauseMs);
  }
  return kept;
}

function tell(world: World, ref: Store, parcel: { readonly number: number; readonly data: Uint8Array }): void {
  try {
    if (parcel.number % 8 === 0) ref.nudge(parcel);
    else ref.put(parcel);
  } catch (error) {
    world.check(error instanceof BackpressureError, `a tell failed with ${String(error)}`);
  }
}

/** By a reference to what lives, the same actor answers; by one to what has ended, nobody, and a tell is not accepted. */
async function checkKept(world: World, { ref, from, fromLife, to, toLife }: Kept): Promise<void> {
  if (!isSameLife(from, fromLife)) return;
  const answer = await ref.weigh({ number: 1 }, { timeoutMs: 3_000 }).catch((error: unknown) => error);
  if (isSameLife(to, toLife)) {
    world.check(!(answer instanceof Error), `${to.name} does not answer by a kept reference: ${String(answer)}`);
    return;
  }
  const isGone = answer instanceof StoppedError || answer instanceof UnreachableError;
  world.check(isGone, `an ask to a process that has ended was answered with ${String(answer)}`);
  world.check(!ref.put({ number: 2 }), 'a tell to a process that is known to have ended was accepted');
}

/** A reference that was stored, and is used by another process, perhaps of another cluster: it never leads to somebody else. */
async function checkStored(world: World, { ref, to, toLife }: Kept): Promise<void> {
  if (isSameLife(to, toLife)) return;
  const node = world.pick(world.nodes);
  const relay = await node.lookup(Parcels, `store-${node.name}`, { timeoutMs: 2_000 });
  const parcel = { number: 1, data: encode(Ref, Ref.create(ref.toRef())) };
  const answer = await relay.relay(parcel, { timeoutMs: 3_000 }).catch((error: unknown) => error);
  world.check(answer instanceof Error, 'a stored reference to an actor that has ended is answered by another actor');
}

/** A reference belongs to the process that has looked it up, and ends with it. */
function isSameLife(node: SimulatedNode, life: number): boolean {
  return node.isUp && node.generation === life;
}

function isOurs(world: World): (error: unknown) => void {
  return (error) =>
    world.check(error instanceof MillraceError, `an ask failed with what is no error of ours: ${String(error)}`);
}
