import { expect } from 'chai';
import fc from 'fast-check';
import {
  childrenOf,
  FAN_OUT,
  FaultPoints,
  hostIdOf,
  isWithin,
  parentOf,
  ROOT,
  steps,
} from '#src/actors/services/index.js';
import { ConfigError } from '#src/errors.js';

const sizes = fc.integer({ min: 1, max: 5_000 });

describe('the tree of nodes', () => {
  it('reaches each node once, from its parent', () => {
    fc.assert(
      fc.property(sizes, (nodes) => {
        const reached = new Map<number, number>();
        const visit = (node: number): void => {
          for (const child of childrenOf(node, nodes)) {
            expect(reached.has(child)).to.equal(false);
            reached.set(child, node);
            visit(child);
          }
        };
        visit(ROOT);
        expect(reached.size).to.equal(nodes);
        for (const [node, parent] of reached) expect(parentOf(node)).to.equal(parent);
      }),
      { numRuns: 30 },
    );
  });

  it('has at most 32 children below a node, and the depth of a logarithm', () => {
    expect(FAN_OUT).to.equal(32);
    fc.assert(
      fc.property(fc.nat(2 ** 24), (node) => {
        expect(childrenOf(node, 2 ** 24).length).to.be.at.most(FAN_OUT);
        let depth = 0;
        for (let place = node; place !== ROOT; place = parentOf(place)) depth += 1;
        expect(depth).to.be.at.most(5);
      }),
    );
  });

  it('knows what is below a node', () => {
    fc.assert(
      fc.property(fc.nat(100_000), (node) => {
        for (let place = node; place !== ROOT; place = parentOf(place)) expect(isWithin(node, place)).to.equal(true);
        expect(isWithin(node, ROOT)).to.equal(true);
        expect(isWithin(node, node + 1)).to.equal(false);
      }),
    );
  });
});

describe('host ids', () => {
  it('are 64 bits, and differ for each node of a run and each run', () => {
    const ids = new Set<bigint>();
    for (const run of ['a', 'b']) {
      for (const host of ['', 'one', 'two']) {
        for (let node = 0; node < 500; node++) ids.add(hostIdOf(host, `node-${node}`, run));
      }
    }
    expect(ids.size).to.equal(3_000);
    for (const id of ids) expect(id >= 0n && id < 2n ** 64n).to.equal(true);
  });
});

describe('MILLRACE_FAULT', () => {
  it('names a step, an action and maybe a node', () => {
    const faults = FaultPoints.parse('channels:kill@1,head:fail');
    expect(faults.at('channels', 1)).to.equal('kill');
    expect(faults.at('channels', 2)).to.equal(undefined);
    expect(faults.at('head', 0)).to.equal('fail');
    expect(FaultPoints.parse('').at('head', 0)).to.equal(undefined);
  });

  it('refuses anything else, and lists the steps', () => {
    for (const text of ['head', 'head:', 'head:explode', 'feet:kill', 'head:kill@', 'head:kill@x', ',', 'head:kill,']) {
      expect(() => FaultPoints.parse(text), text).to.throw(ConfigError, steps[0]?.name);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          FaultPoints.parse(text);
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigError);
        }
      }),
    );
  });
});
