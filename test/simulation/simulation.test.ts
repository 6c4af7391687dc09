import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import {
  drawPlan,
  type Invariant,
  parsePlan,
  shrinkPlan,
  simulate,
  type Workload,
  workload,
} from '#src/simulation/index.js';
import { errands, planOf, workloadOf } from './harness.js';
import { Errands } from './services/errands.js';

async function invariantsOf(work: Workload, plan = planOf()): Promise<readonly Invariant[]> {
  const { violations } = await simulate(work, plan);
  return violations.map(({ invariant }) => invariant);
}

describe('a simulation', () => {
  it('runs a workload on nodes that are up, and ends without a violation when all is well', async () => {
    const answers: number[] = [];
    const work = workloadOf(async (world) => {
      const [first, second] = world.nodes;
      first?.spawn(errands(), { name: 'one', register: true });
      const ref = await second?.lookup(Errands, 'one');
      answers.push((await ref?.run({ number: 21 }))?.number ?? 0);
    });
    expect(await simulate(work, planOf())).to.deep.include({ violations: [], messages: 1 });
    expect(answers).to.deep.equal([42]);
  });

  it('crashes nodes and starts them again, as the plan says', async () => {
    const starts: string[] = [];
    const work = workloadOf(async (world) => {
      world.everyStart((node) => starts.push(`${node.name}.${node.generation}`));
      await world.until('both to be up again', () => world.isHealed && world.nodes.every((node) => node.isUp));
    });
    const faults = [{ fault: 'crash', node: 'node-1', atMs: 10, forMs: 20 }] as const;
    expect(await invariantsOf(work, planOf({ faults }))).to.deep.equal([]);
    expect(starts).to.deep.equal(['node-0.1', 'node-1.1', 'node-1.2']);
  });

  it('leaves a process that was cut off for longer than its links live: it rejoins by itself', async () => {
    let generation = 0;
    const work = workloadOf(async (world) => {
      await world.until('all faults to be healed', () => world.isHealed);
      await world.pass(2_000);
      generation = world.nodes[1]?.generation ?? 0;
      world.check(world.nodes[1]?.runtime?.isConnected === true, 'it has not rejoined');
    });
    const faults = [{ fault: 'cut', between: ['node-0'], and: ['node-1'], atMs: 0, forMs: 1_500 }] as const;
    const patient = { ...work, faultMs: 2_000 };
    expect(await invariantsOf(patient, planOf({ faults }))).to.deep.equal([]);
    expect(generation).to.equal(1);
  });

  it('has the same trace for the same plan, and another one for another seed', async () => {
    const work = workloadOf(async (world) => {
      await world.pass(world.below(100));
      world.nodes[0]?.spawn(errands(), { name: 'one', register: true });
      const ref = await world.nodes[1]?.lookup(Errands, 'one');
      for (let order = 0; order < world.size('orders'); order++)
        await ref?.run({ number: world.below(9) }).catch(() => {});
    });
    const network = { ...planOf().network, loss: 0.1, jitterMs: 3 };
    const hashes: (number | undefined)[] = [];
    for (const seed of [7, 7, 8]) {
      hashes.push((await simulate(work, planOf({ seed, orders: 20, network }), { isHashed: true })).traceHash);
    }
    expect(hashes[1]).to.equal(hashes[0]);
    expect(hashes[2]).not.to.equal(hashes[0]);
  });
});

describe('what a simulation holds a run to', () => {
  it('is what the workload checks, and that it throws nothing', async () => {
    expect(await invariantsOf(workloadOf(async (world) => world.check(false, 'never')))).to.deep.equal(['workload']);
    expect(await invariantsOf(workloadOf(() => Promise.reject(new Error('no'))))).to.deep.equal(['fault']);
  });

  it('is not what breaks because a violation has ended the run', async () => {
    const work = workloadOf(async (world) => {
      world.check(false, 'the first');
      await world.nodes[0]?.runtime?.stop();
      world.check(false, 'a consequence');
    });
    expect(await invariantsOf(work)).to.deep.equal(['workload']);
  });

  it('is that the work is done in time', async () => {
    expect(await invariantsOf(workloadOf(() => new Promise(() => {})))).to.deep.equal(['liveness']);
    expect(await invariantsOf(workloadOf((world) => world.until('a miracle', () => false)))).to.deep.equal([
      'liveness',
    ]);
  });

  it('is that no promise is rejected unseen, and nothing is thrown out of a turn', async () => {
    const unseen = workloadOf(async (world) => {
      void Promise.reject(new Error('unseen'));
      await world.pass(10);
    });
    expect(await invariantsOf(unseen)).to.include('fault');
    const thrown = workloadOf(async (world) => {
      world.executor.scheduler.setTimer(1, () => {
        throw new Error('out of a turn');
      });
      await world.pass(10);
    });
    expect(await invariantsOf(thrown)).to.include('fault');
  });

  it('is that no timer is left', async () => {
    const forgetful = workloadOf(async (world) => void world.executor.scheduler.setTimer(1_000_000, () => {}));
    expect(await invariantsOf(forgetful)).to.deep.equal(['leak']);
  });

  it('is that an actor that watches is told of an end, and goes on to be told in a run with faults', async () => {
    const told: string[] = [];
    const work = workloadOf(async (world) => {
      const [first, second] = world.nodes;
      const watched = second?.spawn(errands(), { name: 'watched', register: true });
      const watcher = first?.spawn(
        errands({
          guard: (_state, { peer }, context) => context.watch(context.ref(Errands, peer ?? { cUid: 0n, service: '' })),
          on: { terminated: (_state, { reason }) => void told.push(reason) },
        }),
      );
      if (watched === undefined) return;
      watcher?.guard({ peer: watched.toRef() });
      await world.pass(50);
      await second?.stop(watched);
    });
    expect(await invariantsOf(work)).to.deep.equal([]);
    expect(told).to.deep.equal(['stopped']);
  });
});

describe('a plan', () => {
  const work = workloadOf(async () => {}, { loss: 0.1, crashes: 3, cuts: 3 });

  it('is the same for the same seed, within what the workload allows', () => {
    for (let seed = 0; seed < 200; seed++) {
      const plan = drawPlan(work, seed);
      expect(drawPlan(work, seed)).to.deep.equal(plan);
      expect(plan.network.loss, `seed ${seed}`).to.be.within(0, 0.1);
      expect(plan.network.duplicate).to.equal(0);
      expect(plan.sizes['nodes'], `seed ${seed}`).to.be.within(1, 3);
      for (const fault of plan.faults) {
        expect(fault.atMs + fault.forMs, `seed ${seed}`).to.be.at.most(work.faultMs + 1);
        if (fault.fault === 'crash') expect(fault.node, `seed ${seed}`).not.to.equal('node-0');
      }
    }
  });

  it('is read as it is written', () => {
    for (let seed = 0; seed < 50; seed++) {
      const plan = drawPlan(work, seed);
      expect(parsePlan(JSON.stringify(plan))).to.deep.equal(plan);
    }
  });

  it('is refused when it is something else, by what is wrong with it', () => {
    const plan = planOf();
    const wrong: readonly (readonly [string, string])[] = [
      ['{', 'JSON'],
      ['[]', 'a plan'],
      [JSON.stringify({ ...plan, seed: 'x' }), 'seed'],
      [JSON.stringify({ ...plan, sizes: { nodes: -1 } }), 'sizes.nodes'],
      [JSON.stringify({ ...plan, network: {} }), 'network.latencyMs'],
      [JSON.stringify({ ...plan, faults: {} }), 'faults'],
      [JSON.stringify({ ...plan, faults: [{ fault: 'flood', atMs: 0, forMs: 0 }] }), 'faults[0].fault'],
      [
        JSON.stringify({ ...plan, faults: [{ fault: 'cut', between: ['a'], and: [1], atMs: 0, forMs: 0 }] }),
        'faults[0].and',
      ],
    ];
    for (const [text, what] of wrong) expect(() => parsePlan(text), text).to.throw(ConfigError, what);
  });

  it('has sizes that make sense', () => {
    expect(() => workload('bad', { sizes: { rows: [3, 1] }, run: async () => {} })).to.throw(ConfigError, 'rows');
  });
});

describe('shrinking', () => {
  it('leaves what the failure needs: the crash, and 7 orders', async () => {
    const work = workloadOf(async (world) => {
      await world.until('all faults to be healed', () => world.isHealed);
      const hasCrashed = world.nodes.some((node) => node.generation > 1 || !node.isUp);
      world.check(!hasCrashed || world.size('orders') < 7, 'too many orders for a crash');
    });
    const faults = [
      { fault: 'cut', between: ['node-0'], and: ['node-1'], atMs: 1, forMs: 30 },
      { fault: 'crash', node: 'node-1', atMs: 80, forMs: 40 },
      { fault: 'crash', node: 'node-2', atMs: 90, forMs: 4 },
    ] as const;
    const network = { ...planOf().network, loss: 0.02 };
    const { plan } = await shrinkPlan({
      workload: work,
      plan: planOf({ nodes: 3, orders: 19, faults, network }),
      invariant: 'workload',
      simulate: (smaller) => simulate(work, smaller),
      isEnough: () => false,
    });
    expect(plan.sizes['orders']).to.equal(7);
    expect(plan.faults.map(({ fault }) => fault)).to.deep.equal(['crash']);
    expect(plan.network).to.deep.equal({ ...network, loss: 0, latencyMs: 0 });
    expect(await invariantsOf(work, plan)).to.deep.equal(['workload']);
  });
});
