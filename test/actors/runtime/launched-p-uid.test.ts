import { expect } from 'chai';
import { Executor } from '#src/actors/runtime/index.js';
import { ConfigError, ProtocolError, UnreachableError } from '#src/errors.js';
import { describeId, globalServicesCandidatePUid, globalServicesPUid, managedPUid } from '#src/ids/index.js';
import { placedDepot } from './placing/depot.js';
import { millraceRejection } from '../../support/rejection.js';

describe('a process that was launched with a p_uid', () => {
  let executor: Executor;

  beforeEach(() => {
    executor = new Executor({ seed: 7 });
  });

  afterEach(() => executor.stop());

  it('has it, and no other process can have it', async () => {
    const first = await executor.start({ node: 'node-0' });
    const { controlPlane } = first;
    const pUid = managedPUid(5);
    const second = await executor.start({ node: 'node-1', controlPlane, pUid });
    expect(second.pUid).to.equal(pUid);
    const error = await millraceRejection(executor.start({ node: 'node-2', controlPlane, pUid }));
    expect(error).to.be.instanceOf(ConfigError);
    expect(error.message).to.match(/p_uid 4294967301/);
    await second.stop();
    expect((await executor.start({ node: 'node-3', controlPlane, pUid })).pUid).to.equal(pUid);
  });

  it('is refused where no process can have the id', async () => {
    const { controlPlane } = await executor.start({ node: 'node-0' });
    const error = await millraceRejection(executor.start({ node: 'node-1', controlPlane, pUid: 7n }));
    expect(error).to.be.instanceOf(ProtocolError);
  });

  for (const pUid of [globalServicesPUid, globalServicesCandidatePUid(9)]) {
    it(`gets no actors of others when it is one of the infrastructure: ${describeId('process', pUid)}`, async () => {
      const services = await executor.start({ node: 'node-0', name: 'global-services', pUid });
      expect(services.pUid).to.equal(pUid);
      const worker = await executor.start({ node: 'node-1', controlPlane: services.controlPlane });
      for (const on of [{ process: 'global-services' }, { node: 'node-0' }]) {
        const error = await millraceRejection(worker.place(placedDepot, { on }));
        expect(error).to.be.instanceOf(UnreachableError);
      }
    });
  }
});
