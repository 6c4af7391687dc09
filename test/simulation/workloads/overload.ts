import { type ActorRef, behavior, MillraceError } from '#src/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { Parcels } from '../services/parcels.js';

/** Time of the work for one ask, in ms. */
const WORK_MS = 10;
/** How much of what an actor can do it answers in time, when nothing fails. */
const GOODPUT = 0.8;
/** Time until an actor has learned how long its work takes, in ms. */
const LEARNING_MS = 1_000;

/** An actor is asked for more than it can do, by callers of several nodes: it answers in time what it can, and refuses the rest early. */
export default workload('overload', {
  sizes: { nodes: [1, 3], callers: [1, 4], factor: [2, 10], deadlineMs: [50, 1_000], spanMs: [1_500, 3_000] },
  // A tenth of the deadline is left for the way back.
  faults: { latencyMs: 1, jitterMs: 1, crashes: 1, cuts: 1 },
  faultMs: 2_000,
  async run(world) {
    world.everyStart((node) => {
      if (node === world.nodes[0]) node.spawn(worker(world), { name: 'worker', register: true });
    });
    const count = { answered: 0 };
    const callers = Array.from({ length: world.size('callers') }, () => call(world, count));
    await Promise.all(callers);
    const capacity = (world.size('spanMs') - LEARNING_MS) / WORK_MS;
    const isCalm = world.plan.faults.length === 0;
    world.check(
      !isCalm || count.answered >= GOODPUT * capacity,
      `${count.answered} asks were answered in time, of ${capacity} that the actor can do`,
    );
  },
});

function worker(world: World) {
  return behavior(Parcels, {
    put: () => {},
    nudge: () => {},
    weigh: async (_state, { number }) => {
      await world.pass(WORK_MS);
      return { number };
    },
    relay: (_state, parcel) => parcel,
    end: () => {},
  });
}

/** One caller: it offers its part of the load, whatever it is answered. */
async function call(world: World, count: { answered: number }): Promise<void> {
  const node = world.pick(world.nodes);
  const worker = await node.lookup(Parcels, 'worker', { timeoutMs: 2_000 }).catch(() => undefined);
  if (worker === undefined) return;
  const [startMs, life] = [world.nowMs, node.generation];
  const everyMs = (WORK_MS * world.size('callers')) / world.size('factor');
  const asks: Promise<void>[] = [];
  while (world.nowMs - startMs < world.size('spanMs') && node.isUp && node.generation === life) {
    const hasLearned = world.nowMs - startMs > LEARNING_MS;
    asks.push(ask(world, worker, () => (count.answered += hasLearned ? 1 : 0)));
    await world.pass(everyMs * 2 * world.random());
  }
  await Promise.all(asks);
}

async function ask(world: World, worker: ActorRef<typeof Parcels>, answered: () => void): Promise<void> {
  try {
    await worker.weigh({ number: 1 }, { timeoutMs: world.size('deadlineMs') });
    answered();
  } catch (error) {
    world.check(error instanceof MillraceError, `an ask failed with what is no error of ours: ${String(error)}`);
  }
}
