import { expect } from 'chai';
import {
  type ComponentEvent,
  type ComponentNetwork,
  componentNetwork,
  containerControl,
  defineComponent,
  defineSecurity,
  type NetworkPlugins,
  type ZombieResponse,
} from '#src/actors/component/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { ConfigError, HandlerError } from '#src/errors.js';
import type { Logger } from '#src/logging/index.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster, describePlacements, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { NEVER, till } from './till.js';
import { till as next } from './till-next.js';
import { broken, locked, vault } from './vault.js';

/** Gives what the compiler refuses, as a peer may. */
const untyped = (value: unknown): never => value as never;

describePlacements('a security provider', (newCluster) => {
  let cluster: Cluster | undefined;
  let network: ComponentNetwork | undefined;
  afterEach(() => network?.close({ drainMs: 100 }));
  after(() => cluster?.close());

  async function opened(plugins: NetworkPlugins): Promise<ComponentNetwork> {
    const isFirst = cluster === undefined;
    cluster ??= newCluster();
    cluster.isShared = true;
    if (isFirst) await cluster.start({ system: { partitions: 3 }, kernelLimits: { stopTimeoutMs: 200 } });
    const [runtime] = cluster.started;
    if (runtime === undefined) throw new Error('the runtime did not start');
    network = componentNetwork(runtime, plugins);
    return network;
  }

  it('seals the state that a container gives away, and the next version goes on with it', async () => {
    const network = await opened({ security: vault });
    const { runtime } = network;
    const served = await network.serve(till);
    const client = await network.client(Listing);
    await client.run({ value: 42 });
    await served.replace(next);
    expect((await client.run({ value: 1 })).value).to.equal(43);

    const on = { partition: runtime.ordinals.at(-1) ?? 0 };
    const security = { name: vault.name, url: vault.url };
    const [ref, open, unknown] = [
      await runtime.place(till, { on, args: { security } }),
      await runtime.place(till, { on }),
      await runtime.place(till, { on, args: { security: { ...security, name: 'other' } } }),
    ];
    const control = containerControl(runtime, ref);
    const plain = await containerControl(runtime, open).containerExport({});
    const sealed = await control.containerExport({});
    expect([plain.state.length, plain.sealedBy, sealed.state.length, sealed.sealedBy]).to.deep.equal([
      1,
      '',
      34,
      'vault',
    ]);
    await control.containerImport(sealed);
    const changed = { ...sealed, state: sealed.state.with(33, (sealed.state[33] ?? 0) ^ 1) };
    for (const [wrong, why] of [
      [changed, 'does not open'],
      [{ ...sealed, version: 9 }, 'does not open'],
      [{ ...plain, sealedBy: 'vault' }, 'was not sealed'],
      [plain, 'is not sealed, and its container was placed with the security provider "vault"'],
      [{ ...sealed, sealedBy: 'other' }, 'was sealed by the security provider "other"'],
    ] as const) {
      expect(await rejection(control.containerImport(wrong)))
        .to.have.property('message')
        .that.includes(why);
    }
    for (const [refused, why] of [
      [containerControl(runtime, open).containerImport(sealed), 'was placed with no security provider'],
      [containerControl(runtime, unknown).containerExport({}), 'exports no security provider "other"'],
    ] as const) {
      expect(await rejection(refused))
        .to.have.property('message')
        .that.includes(why);
    }
    for (const each of [ref, open, unknown]) await runtime.stopActor(each);
  });

  it('whose URL is no file is not loaded: a peer cannot send code', async () => {
    const { runtime } = await opened({ security: vault });
    const url = 'data:text/javascript,globalThis.ranCodeOfAPeer=true';
    const ref = await runtime.place(till, { args: { security: { name: 'x', url } } });
    expect(await rejection(containerControl(runtime, ref).containerExport({})))
      .to.be.instanceOf(HandlerError)
      .with.property('message')
      .that.includes('only file: URLs of modules are loaded');
    await runtime.stopActor(ref);
    for (const wrong of [5, {}, { name: '', url }, { name: 'x' }]) {
      const args: never = untyped({ security: wrong });
      expect(await rejection(runtime.place(till, { args })))
        .to.have.property('message')
        .that.includes('must be { name, url } of a security provider');
    }
    expect(globalThis).to.not.have.property('ranCodeOfAPeer');
  });

  it('that fails keeps the old version, with its state', async () => {
    for (const [security, why] of [
      [broken, 'does not open'],
      [locked, 'the key is not there'],
    ] as const) {
      const network = await opened({ security });
      const served = await network.serve(till);
      const client = await network.client(Listing);
      await client.run({ value: 5 });
      expect(await rejection(served.replace(next)))
        .to.have.property('message')
        .that.includes(why);
      expect((await client.run({ value: 0 })).value).to.equal(5);
      await network.close();
    }
  });
});

describe('plugins of a network of components', () => {
  closeAfterEach();

  async function opened(plugins: NetworkPlugins): Promise<ComponentNetwork> {
    return componentNetwork(await new Cluster().start({ kernelLimits: { stopTimeoutMs: 200 } }), plugins);
  }

  it('tell an observer what happens to containers and requests', async () => {
    const events: ComponentEvent[] = [];
    await using network = await opened({ observe: (event) => events.push(event) });
    const served = await network.serve(till, { recycleAfter: 1 });
    const client = await network.client(Listing);
    await client.run({ value: 1 });
    await until(() => served.load().idle === 1);
    await served.replace(next);
    const kinds = events.map(({ kind, component }) => `${component} ${kind}`);
    expect(kinds).to.deep.equal([
      'till started',
      'till leased',
      'till answered',
      'till recycled',
      'till started',
      'till replaced',
    ]);
    expect(events.find(({ kind }) => kind === 'answered'))
      .to.have.property('tookMs')
      .that.is.greaterThan(0);
  });

  it('fail no request when an observer throws or rejects', async () => {
    for (const observe of [
      () => {
        throw new Error('the disk is full');
      },
      () => Promise.reject(new Error('the disk is full')),
    ]) {
      await using network = await opened({ observe });
      await network.serve(till);
      const client = await network.client(Listing);
      expect((await client.run({ value: 1 })).value).to.equal(1);
      expect((await client.run({ value: 1 })).value).to.equal(2);
    }
  });

  it('fail no request when a logger throws', async () => {
    const fail = (): never => {
      throw new Error('the disk is full');
    };
    const log: Logger = { debug: fail, info: fail, warn: fail, error: fail, child: fail };
    await using executor = new Executor({ seed: 3, log });
    const talker = defineComponent('talker', undefined, Listing, {
      handlers: {
        push: () => {},
        run: (_kept, { value }, call) => {
          call.log.child({ value }).error('it was asked');
          return { value };
        },
        list: async function* () {},
      },
    });
    await using network = componentNetwork(await executor.start());
    await network.serve(talker);
    expect((await (await network.client(Listing)).run({ value: 8 })).value).to.equal(8);
  });

  it('decide whether a container that does not answer is replaced', async () => {
    const asked: number[] = [];
    const wedged = (_container: unknown, silentMs: number): ZombieResponse => {
      asked.push(silentMs);
      return asked.length < 3 ? 'wait' : 'replace';
    };
    await using network = await opened({ lifeCycle: { wedged } });
    const served = await network.serve(till, { wedgedMs: 100 });
    const client = await network.client(Listing);
    await rejection(client.run({ value: NEVER }, { timeoutMs: 50 }));
    expect((await client.run({ value: 3 }, { timeoutMs: 10_000 })).value).to.equal(3);
    expect(asked).to.deep.equal([100, 200, 300]);
    await until(() => served.load().idle === 1);
  });

  it('decide whether a container is replaced after a request, and what they throw changes nothing', async () => {
    let count = 0;
    const recycles = (): boolean => {
      if (++count === 1) throw new Error('no opinion');
      return count === 2;
    };
    await using network = await opened({ lifeCycle: { recycles } });
    const served = await network.serve(till);
    const client = await network.client(Listing);
    const sums: number[] = [];
    for (let request = 0; request < 3; request++) {
      sums.push((await client.run({ value: 1 })).value);
      await until(() => served.load().idle === 1);
    }
    expect(sums).to.deep.equal([1, 2, 1]);
  });

  it('are refused where they are none', async () => {
    const runtime = await new Cluster().start();
    const wrong: readonly object[] = [
      { security: {} },
      { observe: 'yes' },
      { lifeCycle: { wedged: 'replace' } },
      { lifeCycle: { wegded: () => 'wait' } },
      { loader: () => {} },
    ];
    for (const plugins of wrong) expect(() => componentNetwork(runtime, plugins)).to.throw(ConfigError);
    const { seal, open } = vault.definition;
    expect(() => defineSecurity('', import.meta.url, { seal, open })).to.throw(ConfigError);
    expect(() => void Reflect.apply(defineSecurity, undefined, ['half', import.meta.url, { seal }])).to.throw(
      ConfigError,
    );
    expect(() => void Reflect.apply(defineSecurity, undefined, ['nowhere', undefined, { seal, open }])).to.throw(
      ConfigError,
    );
  });
});
