import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { Executor, Runtime } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { portOf } from '../../transport/ws/http.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { sorted, upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { startFlow } from './harness.js';
import flow from './pipelines/flow.js';

const KEY = 'a key of more than 16 bytes';

/** Two programs of one process, the second of which knows only the WebSocket of the first. */
describe('runtimes that meet over WebSockets', () => {
  let executors: Executor[];
  let server: Server;
  const program = (net: NonNullable<ConstructorParameters<typeof Executor>[0]>['net'] = {}): Executor => {
    const executor = new Executor({ net: { key: KEY, ucx: 'off', ...net } });
    executors.push(executor);
    return executor;
  };
  const webSocketOf = (addresses: string): string =>
    addresses.split(' ').find((address) => address.startsWith('ws:')) ?? 'no WebSocket';

  beforeEach(async () => {
    executors = [];
    server = createServer((_request, response) => void response.end('a page'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const executor of executors.toReversed()) await executor.stop();
    for (const { scheduler, started } of executors) {
      expect(scheduler.pendingTimers).to.equal(0);
      for (const { leftovers } of started) expect(leftovers.links).to.equal(0);
    }
    server.close();
  });

  it('ask, and run a pipeline together, beside the routes of an HTTP server', async () => {
    const address = `ws://127.0.0.1:${portOf(server)}/links`;
    const first = await program({ wsListen: address, wsServer: server }).start({ node: 'node-0' });
    const webSocket = webSocketOf(first.controlPlane);
    expect(webSocket.startsWith(`${address}#`)).to.equal(true);
    const second = await program().start({ node: 'node-1', controlPlane: webSocket });
    const carriers = second.health().links.map(({ carrier }) => carrier);
    expect(carriers).to.deep.include({ transport: 'ws', medium: 'ws' });
    first.spawn(errands({ run: (_state, errand) => errand }), { name: 'errands', register: true });
    const ref = await second.lookup(Errands, 'errands');
    expect((await ref.run({ value: 7 })).value).to.equal(7);
    const { run, board } = await startFlow(second, flow, { count: 2_000, stages: 3, sinks: 2 });
    await run.done;
    expect(sorted(board.sunk.map(({ id }) => id))).to.deep.equal(upTo(2_000));
    expect(await (await fetch(`http://127.0.0.1:${portOf(server)}/`)).text()).to.equal('a page');
  });

  it('have partitions on threads, to which the HTTP server does not travel', async () => {
    const wsListen = `ws://127.0.0.1:${portOf(server)}/links`;
    const first = await program({ wsListen, wsServer: server }).start({
      placement: 'thread',
      system: { partitions: 2 },
    });
    const second = await program().start({ node: 'node-1', controlPlane: webSocketOf(first.controlPlane) });
    first.spawn(errands({ run: (_state, errand) => errand }), { name: 'errands', register: true });
    const ref = await second.lookup(Errands, 'errands');
    expect((await ref.run({ value: 8 })).value).to.equal(8);
  });

  it('start from the options, and refuse a server without an address', async () => {
    await using runtime = await Runtime.start({
      logLevel: 'silent',
      wsListen: 'ws://127.0.0.1:0/',
      keyless: 'loopback',
    });
    expect(webSocketOf(runtime.controlPlane)).to.match(/^ws:\/\/127\.0\.0\.1:\d+\/#/);
    const error = await rejection(Runtime.start({ logLevel: 'silent', wsServer: server, listen: 'unix:' }));
    expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes('wsListen is not');
  });
});
