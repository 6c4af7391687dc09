import { expect } from 'chai';
import fc from 'fast-check';
import { type BehaviorOptions, type UntypedRef, untypedBehavior } from '#src/actors/kernel/index.js';
import { methodName } from '#src/codegen/names.js';
import { ConfigError } from '#src/errors.js';
import { BEHAVIOR_OPTIONS, isReservedName, REFERENCE_MEMBERS } from '#src/reserved-names.js';
import { closeSystems, testSystem, worker } from './actors/kernel/harness.js';
import { Worker } from './actors/kernel/shop.js';

/** The compiler refuses this file if a reference or a behavior gets a member that is not reserved. */
type Reserved = (typeof REFERENCE_MEMBERS | typeof BEHAVIOR_OPTIONS)[number] | 'toString';
type Forgotten = Exclude<Extract<keyof UntypedRef | keyof BehaviorOptions<unknown>, string>, Reserved>;
const isComplete: [Forgotten] extends [never] ? true : never = true;

/** Whether an actor can serve an rpc of this name. */
function isServed(member: string): boolean {
  const { push } = Worker.methods;
  const fields = Object.fromEntries([[member, () => undefined]]);
  try {
    untypedBehavior({ typeName: 'test.Named', methods: Object.fromEntries([[member, push]]) }, fields);
    return true;
  } catch (error) {
    if (error instanceof ConfigError && error.message.includes('cannot be named')) return false;
    throw error;
  }
}

/** The rpc whose member has this name. */
const rpcOf = (member: string): string => member.charAt(0).toUpperCase() + member.slice(1);

describe('names that no rpc can have', () => {
  afterEach(closeSystems);

  it('are those of all members of a reference', () => {
    expect(isComplete).to.equal(true);
    const { system } = testSystem();
    const ref: object = system.spawn(worker());
    const members = new Set<string>();
    for (let level: unknown = ref; typeof level === 'object' && level !== null; level = Object.getPrototypeOf(level)) {
      for (const name of Object.getOwnPropertyNames(level)) members.add(name);
    }
    const others = [...members].filter((name) => !isReservedName(name));
    expect(others).to.have.members(Object.keys(Worker.methods));
  });

  for (const member of [...REFERENCE_MEMBERS, ...BEHAVIOR_OPTIONS, ...Object.getOwnPropertyNames(Object.prototype)]) {
    it(`include ${member}, for millrace gen and for behavior`, () => {
      expect(methodName(rpcOf(member))).to.equal(undefined);
      expect(isServed(member)).to.equal(false);
    });
  }

  it('are the same for millrace gen and for behavior', () => {
    const names = fc.stringMatching(/^[a-z][A-Za-z0-9_]{0,12}$/);
    fc.assert(
      fc.property(names, (member) => {
        expect(isServed(member)).to.equal(methodName(rpcOf(member)) !== undefined);
      }),
    );
  });
});
