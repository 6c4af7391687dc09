import { expect } from 'chai';
import { Executor } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { sorted, upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { startFlow } from './harness.js';
import flow from './pipelines/flow.js';

const KEY = 'a key of more than 16 bytes';

/** Two programs of one process, the second of which knows only the address of the first over ZeroMQ. */
describe('runtimes that meet over ZeroMQ', () => {
  let executors: Executor[] = [];
  const program = (net: NonNullable<ConstructorParameters<typeof Executor>[0]>['net'] = {}): Executor => {
    const executor = new Executor({ net: { key: KEY, ucx: 'off', ...net } });
    executors.push(executor);
    return executor;
  };
  const addressOf = (addresses: string): string =>
    addresses.split(' ').find((address) => address.startsWith('zmq')) ?? 'no ZeroMQ';

  afterEach(async () => {
    for (const executor of executors.toReversed()) await executor.stop();
    for (const { scheduler, started } of executors) {
      expect(scheduler.pendingTimers).to.equal(0);
      for (const { leftovers } of started) expect(leftovers.links).to.equal(0);
    }
    executors = [];
  });

  for (const zmqListen of ['zmq+ipc:', 'zmq+tcp://127.0.0.1:0']) {
    it(`ask, and run a pipeline together, over ${zmqListen.replace(/:.*/, '')}`, async () => {
      const first = await program({ zmqListen }).start({ node: 'node-0' });
      const address = addressOf(first.controlPlane);
      expect(address.startsWith(zmqListen.replace(/\d+$/, ''))).to.equal(true);
      const second = await program().start({ node: 'node-1', controlPlane: address });
      const link = second.health().links.find(({ carrier }) => carrier?.transport === 'zmq');
      expect(link?.carrier?.medium).to.equal(zmqListen.includes('ipc') ? 'ipc' : 'tcp');
      expect(link?.repeats).to.deep.equal({ dropped: 0, sentAgain: 0, receivedAgain: 0 });
      first.spawn(errands({ run: (_state, errand) => errand }), { name: 'errands', register: true });
      const ref = await second.lookup(Errands, 'errands');
      expect((await ref.run({ value: 7 })).value).to.equal(7);
      const { run, board } = await startFlow(second, flow, { count: 2_000, stages: 3, sinks: 2 });
      await run.done;
      expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(2_000));
    });
  }

  it('on threads have sockets of their own', async () => {
    const first = await program({ zmqListen: 'zmq+tcp://127.0.0.1:0' }).start({
      placement: 'thread',
      system: { partitions: 2 },
    });
    const second = await program().start({ node: 'node-1', controlPlane: addressOf(first.controlPlane) });
    first.spawn(errands({ run: (_state, errand) => errand }), { name: 'errands', register: true });
    const ref = await second.lookup(Errands, 'errands');
    expect((await ref.run({ value: 8 })).value).to.equal(8);
  });

  it('have the key, or none starts on a port', async () => {
    const executor = new Executor({ net: { ucx: 'off', zmqListen: 'zmq+tcp://127.0.0.1:0' } });
    executors.push(executor);
    const error = await rejection(executor.start({ node: 'node-0' }));
    expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes('unauthenticated peers');
  });
});
