import { Status } from '#src/actors/membership/state/index.js';
import { v1 } from '#src/protocol/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { SimulatedNetwork } from '../../actors/membership/simulated-network.js';

/** Time after the last fault in which all agree, in ms: the dead are looked for every 10 s, one at a time. */
const AGREE_MS = 400_000;
/** Time in which all know that a member has left, in ms. */
const NEWS_MS = 6_000;

/**
 * The state machines of a network, on a network of their own that loses messages: members crash, stand still, leave, are cut off in both directions or in one,
 * and are slandered. Then nobody that is up is dead for anybody, and whoever was slandered or has left was never dead.
 */
export default workload('membership', {
  sizes: { nodes: [1, 1], members: [4, 9], faults: [0, 4], loss: [0, 5] },
  faultMs: 1,
  async run(world) {
    const network = new SimulatedNetwork({
      members: world.size('members'),
      seed: 1 + world.below(2 ** 30),
      loss: world.size('loss') / 100,
      areAcquainted: true,
    });
    network.pass(3_000);
    slander(world, network);
    repeatOldNews(world, network);
    leave(world, network);
    for (let fault = 0; fault < world.size('faults'); fault++) disturb(world, network);
    const tookMs = network.until(() => network.agrees, AGREE_MS);
    world.check(tookMs < AGREE_MS, `the members did not agree within ${AGREE_MS} ms of the last fault`);
    await world.pass(1);
  },
});

/** A member that is up. */
function anyone(world: World, network: SimulatedNetwork): number {
  return world.pick([...network.nodes.keys()].filter((index) => network.nodes[index]?.isUp === true));
}

/** One member says of another one that it is dead, and nobody else says so. */
function slander(world: World, network: SimulatedNetwork): void {
  const [victim, liar] = [anyone(world, network), anyone(world, network)];
  if (victim === liar) return;
  const status = Status.DEAD;
  tell(network, liar, { id: network.id(victim), incarnation: 1, status, suspectedBy: [network.id(liar)] });
  network.pass(20_000);
  const mistakes = network.mistakes.filter(({ of }) => of === victim).length;
  world.check(mistakes === 0, `${mistakes} members believed one alone that member ${victim} is dead`);
}

/** A suspicion that was refuted long ago arrives once more. */
function repeatOldNews(world: World, network: SimulatedNetwork): void {
  const [victim, teller] = [anyone(world, network), anyone(world, network)];
  if (victim === teller) return;
  const old = { id: network.id(victim), incarnation: 1, status: Status.SUSPECT, suspectedBy: [network.id(teller)] };
  tell(network, teller, old);
  network.until(() => network.agrees, 60_000);
  tell(network, teller, old);
  world.check(
    network.everyOther(victim, (_state, at) => network.status(victim, at) === Status.ALIVE),
    `old news of a suspicion of member ${victim} were believed`,
  );
}

function tell(network: SimulatedNetwork, from: number, news: v1.MemberStateInit): void {
  for (const [at] of network.nodes.entries()) {
    if (network.id(at) === news.id && news.status === Status.DEAD) continue;
    const told = v1.MemberNews.create({ from: network.id(from), news: [news] });
    network.event(at, { case: 'heard', news: told, answers: false });
  }
}

/** Without other faults, all hear that a member leaves, and nobody takes that for its death. */
function leave(world: World, network: SimulatedNetwork): void {
  if (network.nodes.length < 6) return;
  const leaver = anyone(world, network);
  network.event(leaver, { case: 'leaving' });
  network.crash(leaver);
  network.pass(NEWS_MS);
  world.check(
    network.everyOther(leaver, (_state, at) => network.status(leaver, at) === Status.LEFT),
    `not all members know that member ${leaver} has left`,
  );
}

/** One fault, from its begin to its end. */
function disturb(world: World, network: SimulatedNetwork): void {
  const [one, forMs] = [anyone(world, network), 1_000 + world.below(60_000)];
  const side = world.below(network.nodes.length);
  switch (world.below(5)) {
    case 0:
      return halt(world, network, one, forMs);
    case 1:
      network.passes = (from, to) => from < side === to < side;
      break;
    case 2:
      network.passes = (_from, to) => to !== one;
      break;
    case 3:
      network.passes = (from) => from !== one;
      break;
    default:
      if (network.nodes.filter(({ isUp }) => isUp).length > 3) network.crash(one);
  }
  network.pass(forMs);
  network.passes = () => true;
  network.pass(world.below(10_000));
}

/** A member stands still while it waits for an answer: it suspects nobody because of that. */
function halt(world: World, network: SimulatedNetwork, one: number, forMs: number): void {
  network.until(() => network.agrees, AGREE_MS);
  const node = network.nodes[one];
  network.until(() => node?.state.probe !== undefined, 20_000, 1);
  const before = node?.state.counts.suspicions;
  network.pause(one);
  network.pass(forMs);
  network.resume(one);
  network.pass(500);
  world.check(node?.state.counts.suspicions === before, `member ${one} stood still, and suspects another one`);
}
