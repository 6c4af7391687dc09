import { expect } from 'chai';
import { faultInUse } from '#src/actors/membership/faults.js';
import fc from 'fast-check';
import { apply, type Effect, initialNetwork, type NetworkState, Status } from '#src/actors/membership/state/index.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { describe as described, SimulatedNetwork } from './simulated-network.js';

const NAME = v1.MemberName.create({
  name: 'pricing',
  ref: { cUid: 2n ** 63n, service: 'shop.Pricing', incarnation: 6n },
});

describe('the membership of a network', () => {
  describe('of 200 members at 1 % loss', () => {
    let network: SimulatedNetwork;
    beforeEach(function () {
      this.timeout(60_000);
      network = new SimulatedNetwork({ members: 200, seed: 7, loss: 0.01, areAcquainted: true });
      network.pass(5_000);
    });

    it('tells all of a new offer within 4 s, for at most 600 bytes a second and member', () => {
      network.event(5, { case: 'offered', names: [NAME], partitions: [] });
      const before = network.totalBytes;
      const hasHeard = (state: NetworkState): boolean => state.members.get(network.id(5))?.description.version === 2;
      const tookMs = network.until(() => network.everyOther(5, hasHeard), 10_000);
      expect(tookMs).to.be.at.most(4_000);
      expect(((network.totalBytes - before) / 200 / tookMs) * 1_000).to.be.at.most(600);
    }).timeout(60_000);

    it('tells all of a member that leaves within 4 s, and nobody takes that for a death', () => {
      network.event(9, { case: 'leaving' });
      network.crash(9);
      const before = network.totalBytes;
      const tookMs = network.until(
        () => network.everyOther(9, (_, at) => network.status(9, at) === Status.LEFT),
        10_000,
      );
      expect(tookMs).to.be.at.most(4_000);
      expect(((network.totalBytes - before) / 200 / tookMs) * 1_000).to.be.at.most(600);
      expect(network.total('deaths')).to.equal(0);
    }).timeout(60_000);

    it('finds out that a member has died, and suspects almost nobody else', () => {
      network.crash(11);
      const tookMs = network.until(
        () => network.everyOther(11, (_, at) => network.status(11, at) === Status.DEAD),
        60_000,
      );
      expect(tookMs).to.be.at.most(30_000);
      expect(network.falseDeaths).to.equal(0);
      // Those that had no answer of the dead one suspected it; a few others at most were suspected in vain.
      expect(network.total('refutations')).to.be.at.most(5);
    }).timeout(60_000);
  });

  it('takes in a member that knows one other, and tells it of all', () => {
    const network = new SimulatedNetwork({ members: 12, seed: 3 });
    for (let index = 1; index < 12; index++) network.join(index, 0);
    expect(network.until(() => network.agrees, 20_000)).to.be.below(20_000);
    expect(network.falseDeaths).to.equal(0);
  });

  it('finds its seeds again and again, where none was up at first', () => {
    const network = new SimulatedNetwork({ members: 5, seed: 3 });
    expect(network.until(() => network.agrees, 120_000)).to.be.below(120_000);
  });

  it('does not declare a member dead that stood still for longer than others are patient, for good', () => {
    const network = new SimulatedNetwork({ members: 8, seed: 5, areAcquainted: true });
    network.pass(2_000);
    network.pause(3);
    expect(
      network.until(() => network.everyOther(3, (_, at) => network.status(3, at) === Status.DEAD), 60_000),
    ).to.be.below(60_000);
    network.resume(3);
    expect(network.until(() => network.agrees, 120_000)).to.be.below(120_000);
    // The one that stood still has declared nobody dead.
    expect(network.nodes[3]?.state.counts.deaths).to.equal(0);
  });

  it('goes on as two parts while it is cut, and heals without a restart', () => {
    const network = new SimulatedNetwork({ members: 16, seed: 9, loss: 0.01, areAcquainted: true });
    network.pass(2_000);
    network.passes = (from, to) => from < 8 === to < 8;
    const isCut = (): boolean => network.everyOther(-1, ({ alive }) => alive === 7);
    expect(network.until(isCut, 120_000)).to.be.below(120_000);
    network.passes = () => true;
    expect(network.until(() => network.agrees, 120_000)).to.be.below(120_000);
  });

  it('declares nobody dead because one member hears nothing', () => {
    const network = new SimulatedNetwork({ members: 10, seed: 11, areAcquainted: true });
    network.pass(2_000);
    network.passes = (_from, to) => to !== 4;
    network.pass(120_000);
    // The deaf one is dead for the others, which get no answers from it. What it says of them convinces nobody.
    expect(
      network.everyOther(4, ({ members }) =>
        [...members].every(([id, { status }]) => id === network.id(4) || status !== Status.DEAD),
      ),
    ).to.equal(true);
    network.passes = () => true;
    expect(network.until(() => network.agrees, 120_000)).to.be.below(120_000);
  }).timeout(20_000);

  it('spends less than a small budget allows on details, and still tells who lives', () => {
    const network = new SimulatedNetwork({ members: 30, seed: 2, bytesPerSecond: 200, areAcquainted: true });
    for (let index = 0; index < 30; index++) network.event(index, { case: 'offered', names: [NAME], partitions: [] });
    const { mean } = network.bytesPerSecond(60_000);
    expect(mean).to.be.at.most(250);
    expect(network.total('putOff')).to.be.above(0);
    network.crash(7);
    expect(
      network.until(() => network.everyOther(7, (_, at) => network.status(7, at) === Status.DEAD), 60_000),
    ).to.be.below(60_000);
    expect(network.falseDeaths).to.equal(0);
  });
});

describe('a member of a network', () => {
  it('takes what its listener throws for a fault of the description', () => {
    const fault = faultInUse(() => {
      throw new RangeError('it names no actor');
    });
    expect(fault).to.equal('what a member offers cannot be used: RangeError: it names no actor');
    expect(faultInUse(() => {})).to.equal(undefined);
  });

  const alone = (): NetworkState =>
    initialNetwork({
      description: described(1n, 1),
      seeds: [],
      probeMs: 1_000,
      bytesPerSecond: 600,
      nowMs: 0,
      random: 0.5,
    });
  const state = (id: bigint, fields: Partial<v1.MemberState> = {}): v1.MemberState =>
    v1.MemberState.create({ id, incarnation: 1, version: 1, ...fields });
  const meet = (before: NetworkState, id: bigint): NetworkState => {
    const table = v1.MemberTable.create({ from: id, states: [state(id)], self: described(id, Number(id)) });
    return apply(before, { case: 'exchanged', table, answers: false }, 0).state;
  };
  const hear = (before: NetworkState, from: bigint, ...news: v1.MemberState[]): NetworkState =>
    apply(before, { case: 'heard', news: v1.MemberNews.create({ from, news }), answers: false }, 10).state;

  /** Passes 60 s, in which each request for descriptions is answered at once. */
  const askedIn = (before: NetworkState, effects: readonly Effect[]): NetworkState => {
    let now = before;
    const answer = (list: readonly Effect[], nowMs: number): void => {
      for (const effect of list) {
        if (effect.case !== 'describe') continue;
        const members = effect.ids.map((id) => described(id, Number(id)));
        now = apply(now, { case: 'described', members }, nowMs).state;
      }
    };
    answer(effects, 0);
    for (let nowMs = 100; nowMs <= 60_000; nowMs += 100) {
      const { state: next, effects: more } = apply(now, { case: 'tick' }, nowMs);
      now = next;
      answer(more, nowMs);
    }
    return now;
  };

  it('learns at once all that an exchange which it began has told, and nothing that it puts off is lost', () => {
    for (const count of [10, 12, 20, 40, 100, 250]) {
      const ids = Array.from({ length: count }, (_, index) => BigInt(index + 2));
      const states = ids.map((id) => state(id));
      const table = v1.MemberTable.create({ from: 2n, states, self: described(2n, 2) });
      const began = apply(alone(), { case: 'exchanged', table, answers: false }, 0);
      const asked = began.effects.flatMap((effect) => (effect.case === 'describe' ? effect.ids : []));
      expect(asked, `of ${count}`).to.have.lengthOf(count - 1);
      const told = apply(alone(), { case: 'exchanged', table, answers: true }, 0);
      const later = askedIn(told.state, told.effects);
      expect(later.members.size + later.wanted.size, `of ${count}, within the budget`).to.equal(count);
    }
  }).timeout(20_000);

  describe('of which the same process was killed and started again and again', () => {
    const crashed = (): NetworkState => {
      const seeds = ['@500', '@501'];
      let now: NetworkState = { ...meet(alone(), 2n), seeds };
      const at = (id: bigint): v1.MemberDescription => ({ ...described(id, 7), address: '@7#' + id });
      for (let id = 10n; id < 40n; id++) {
        const table = v1.MemberTable.create({ from: id, states: [state(id)], self: at(id) });
        now = apply(now, { case: 'exchanged', table, answers: false }, 0).state;
        if (id < 39n) now = hear(now, 2n, state(id, { status: Status.DEAD, suspectedBy: [1n, 2n] }));
      }
      return now;
    };

    /** The two that are alive refute each suspicion. */
    const living = (before: NetworkState, nowMs: number): NetworkState => {
      const states = [2n, 39n].map((id) => state(id, { incarnation: 2 + nowMs }));
      const news = v1.MemberNews.create({ from: 2n, news: states });
      return apply(before, { case: 'heard', news, answers: false }, nowMs).state;
    };

    it('looks for its seeds in turn, and not for those that have ended', () => {
      let now = crashed();
      expect(now.members.size).to.equal(31);
      const looked: string[] = [];
      for (let nowMs = 100; looked.length < 4; nowMs += 100) {
        const done = apply(living(now, nowMs), { case: 'tick' }, nowMs);
        now = done.state;
        for (const effect of done.effects)
          if (effect.case === 'probe' && effect.probe === 0) looked.push(effect.address);
      }
      expect(looked).to.deep.equal(['@500', '@501', '@500', '@501']);
    });

    it('forgets those that have ended as soon as nobody tells of them', () => {
      let now = crashed();
      for (let nowMs = 100; nowMs < 130_000; nowMs += 100) {
        now = apply(living(now, nowMs), { case: 'tick' }, nowMs).state;
      }
      expect([...now.members.keys()].filter((id) => id >= 10n)).to.deep.equal([39n]);
    });
  });

  it('refutes that it is suspect, with a higher incarnation', () => {
    const after = hear(meet(alone(), 2n), 2n, state(1n, { status: Status.SUSPECT, incarnation: 4 }));
    expect(after.self.incarnation).to.equal(5);
    expect(after.news.has(1n)).to.equal(true);
    expect(hear(after, 2n, state(1n, { status: Status.SUSPECT, incarnation: 4 })).self.incarnation).to.equal(5);
  });

  it('does not believe one member alone that another one is dead', () => {
    const met = [2n, 3n, 4n].reduce(meet, alone());
    const told = state(3n, { status: Status.DEAD, suspectedBy: [2n, 99n] });
    expect(hear(met, 2n, told).members.get(3n)?.status).to.equal(Status.SUSPECT);
    const byTwo = state(3n, { status: Status.DEAD, suspectedBy: [2n, 4n] });
    expect(hear(met, 2n, byTwo).members.get(3n)?.status).to.equal(Status.DEAD);
  });

  it('keeps what is newer: old news of a suspicion change nothing', () => {
    const met = [2n, 3n, 4n].reduce(meet, alone());
    const refuted = hear(met, 2n, state(3n, { incarnation: 3 }));
    const late = hear(refuted, 4n, state(3n, { incarnation: 2, status: Status.SUSPECT, suspectedBy: [4n] }));
    expect(late.members.get(3n)?.status).to.equal(Status.ALIVE);
  });

  it('refuses incarnations from far ahead, which nobody could refute', () => {
    const far = 2 + limits.networkIncarnations;
    const after = hear(
      meet(alone(), 2n),
      2n,
      state(1n, { status: Status.DEAD, incarnation: far }),
      state(2n, { incarnation: far }),
    );
    expect(after.self.incarnation).to.equal(1);
    expect(after.members.get(2n)?.incarnation).to.equal(1);
    expect(after.counts.refused).to.equal(2);
  });

  it('has room for so many members, and asks for so many descriptions at a time', () => {
    const rumours = Array.from({ length: 10_000 }, (_, index) => state(BigInt(index + 10)));
    const after = hear(meet(alone(), 2n), 2n, ...rumours);
    expect(after.members.size).to.equal(1);
    expect(after.wanted.size).to.be.at.most(limits.networkWanted);
    let crowded = alone();
    for (let id = 2n; crowded.members.size < limits.networkMembers; id++) crowded = meet(crowded, id);
    const table = v1.MemberTable.create({ from: 2n ** 60n, states: [state(2n ** 60n)], self: described(2n ** 60n, 1) });
    expect(apply(crowded, { case: 'exchanged', table, answers: true }, 0).isRefused).to.equal(true);
  }).timeout(20_000);

  it('comes to the same state of others in whatever order, and however often, it hears of them', () => {
    const status = fc.constantFrom(Status.ALIVE, Status.SUSPECT, Status.LEFT);
    const piece = fc.record({ incarnation: fc.integer({ min: 1, max: 5 }), status });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.nat(), (pieces, turn) => {
        const met = [2n, 3n, 4n].reduce(meet, alone());
        const heard = (list: typeof pieces): unknown => {
          const after = list.reduce((each, piece) => hear(each, 2n, state(3n, piece)), met).members.get(3n);
          return [after?.incarnation, after?.status];
        };
        const turned = [...pieces.slice(turn % pieces.length), ...pieces.slice(0, turn % pieces.length)];
        expect(heard([...turned, ...pieces])).to.deep.equal(heard(pieces));
      }),
    );
  });

  it('is the same after the same events, and no event changes an earlier state', () => {
    const met = [2n, 3n].reduce(meet, alone());
    const copy = JSON.stringify([...met.members.keys()].map(String));
    const [one, other] = [apply(met, { case: 'tick' }, 2_000), apply(met, { case: 'tick' }, 2_000)];
    expect(one).to.deep.equal(other);
    expect(JSON.stringify([...met.members.keys()].map(String))).to.equal(copy);
  });
});
