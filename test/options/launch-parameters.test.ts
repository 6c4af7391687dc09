import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { launchTable, launchVariable, launchVariables, readLaunch, resolveOptions } from '#src/options/index.js';

const GOOD = {
  run: 'flights-12ab',
  runFolder: '/tmp/run',
  pUid: '4294967296',
  processName: 'head',
  nodeIndex: 0,
  nodes: 3,
  nodeCpus: 2,
  globalServices: 'unix:/tmp/a',
  nodeAddress: 'unix:/tmp/b',
};

describe('launch parameters', () => {
  it('are read from the environment as they were written', () => {
    const parameters = fc.record({
      run: fc.stringMatching(/^[\w.-]{1,64}$/),
      runFolder: fc.stringMatching(/^\/[a-z/]{0,40}$/),
      pUid: fc.bigInt({ min: 2n ** 32n, max: 2n ** 64n - 1n }).map(String),
      processName: fc.string({ minLength: 1, maxLength: 255 }),
      nodeIndex: fc.nat(2 ** 24 - 1),
      nodes: fc.integer({ min: 1, max: 2 ** 24 }),
      nodeCpus: fc.integer({ min: 1, max: 65_536 }),
      globalServices: fc.string({ minLength: 1, maxLength: 200 }),
      nodeAddress: fc.string({ minLength: 1, maxLength: 200 }),
    });
    fc.assert(
      fc.property(parameters, (given) => {
        expect(readLaunch(launchVariables(given))).to.deep.equal(given);
      }),
    );
  });

  it('are there or not: MILLRACE_RUN says which', () => {
    const { MILLRACE_RUN: _run, ...others } = launchVariables(GOOD);
    expect(readLaunch({})).to.equal(undefined);
    expect(readLaunch(others)).to.equal(undefined);
  });

  for (const name of Object.keys(launchTable)) {
    const variable = launchVariable(name);
    it(`${variable}: a missing or wrong one is a ConfigError that names it`, () => {
      const all = launchVariables(GOOD);
      for (const wrong of [undefined, '']) {
        if (name === 'run' && wrong === undefined) continue;
        expect(() => readLaunch({ ...all, [variable]: wrong })).to.throw(ConfigError, variable);
      }
    });
  }

  it('refuse a p_uid of the infrastructure, and one past 64 bits', () => {
    const all = launchVariables(GOOD);
    for (const pUid of ['0', '1', '256', '4294967295', '18446744073709551616', '99999999999999999999', '-1', '0x1']) {
      expect(() => readLaunch({ ...all, MILLRACE_P_UID: pUid })).to.throw(ConfigError, 'MILLRACE_P_UID');
    }
  });

  it('are no unknown options of a runtime', () => {
    const { notice } = resolveOptions({ env: { ...launchVariables(GOOD), MILLRACE_FAULT: 'head:kill' } });
    expect(notice).to.equal(undefined);
  });
});
