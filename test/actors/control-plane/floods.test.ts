import { expect } from 'chai';
import { Definitions, NO_DEFINITIONS } from '#src/actors/control-plane/state/definitions.js';
import { definitionHash, Draft, initialState } from '#src/actors/control-plane/state/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { BackpressureError, ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { upTo } from '../../support/numbers.js';
import { millraceRejection } from '../../support/rejection.js';
import { endWorlds } from '../transport/partitions.js';
import { type Member, Plane } from './plane.js';

type Server = ActorRef<v1.ControlPlane>;

/** Asks that are in flight at a time. */
const AT_ONCE = 1_000;

describe('a control plane that a key holder floods', function () {
  this.timeout(300_000);
  afterEach(endWorlds);

  async function setUp() {
    const plane = await Plane.start();
    const honest = await plane.join('honest/1');
    const server = plane.from(await plane.world.start('evil/1'));
    const connected = await server.connect({ tag: 1, launch: 'evil', node: 'evil', name: 'evil' });
    let tag = 1;
    const identity = () => ({ pUid: connected.pUid, tag: ++tag });
    return { plane, honest, server, identity };
  }

  /** Sends the requests, and returns the codes of those that were refused. The honest process is served meanwhile. */
  async function flood(count: number, honest: Member, send: (index: number) => Promise<unknown>): Promise<string[]> {
    const refused: string[] = [];
    for (let sent = 0; sent < count; sent += AT_ONCE) {
      const wave = upTo(Math.min(AT_ONCE, count - sent)).map((index) =>
        send(sent + index).catch((error: unknown) => void refused.push(codeOf(error))),
      );
      const name = `honest ${sent}`;
      await honest.client.registerName(name, { cUid: 11n, service: 's' });
      expect(await honest.client.lookup(name, 's', 5_000)).to.include({ cUid: 11n });
      await honest.client.unregisterName(name, 11n);
      await Promise.all(wave);
    }
    return refused;
  }

  it('with processes refuses more than a link may have', async () => {
    const { server, honest } = await setUp();
    const refused = await flood(1_100, honest, (index) =>
      server.connect({ tag: 1, launch: `evil ${index}`, node: 'n', name: 'evil' }),
    );
    expect(refused).to.have.length(1_100 - limits.linkProcesses + 1);
    expect(new Set(refused)).to.deep.equal(new Set(['BACKPRESSURE']));
    const { resources } = await server.list({});
    expect(resources.filter(({ detail }) => detail.case === 'process')).to.have.length(limits.linkProcesses + 1);
  });

  it('with processes that come and go keeps none', async () => {
    const { server, honest } = await setUp();
    const before = (await server.list({})).resources.length;
    const refused = await flood(2_000, honest, async (index) => {
      const { pUid } = await server.connect({ tag: 1, launch: `evil ${index}`, node: 'n', name: 'evil' });
      await server.disconnect({ pUid, tag: 2 });
    });
    const left = (await server.list({})).resources.length;
    expect(left).to.equal(before);
    expect(refused.every((code) => code === 'BACKPRESSURE')).to.equal(true);
  });

  it('with partitions and their addresses refuses more than a process may have', async () => {
    const { server, identity, honest } = await setUp();
    const refused = await flood(1_500, honest, (index) =>
      server.registerPartitions({ ...identity(), addresses: [`memory://evil/${index}`] }),
    );
    expect(refused).to.have.length(1_500 - limits.partitions);
    const endless = server.registerPartitions({ ...identity(), addresses: ['x'.repeat(limits.nameCharacters + 1)] });
    expect(codeOf(await millraceRejection(endless))).to.equal('PROTOCOL');
  });

  it('with names refuses more than a process may have, and names without end', async () => {
    const { server, identity, honest } = await setUp();
    const ref = { cUid: 5n, service: 's' };
    const count = limits.processNames + 2_000;
    const refused = await flood(count, honest, (index) =>
      server.registerName({ ...identity(), name: `evil ${index}`, ref }),
    );
    expect(refused).to.have.length(2_000);
    const endless = server.registerName({ ...identity(), name: 'x'.repeat(limits.nameCharacters + 1), ref });
    expect(codeOf(await millraceRejection(endless))).to.equal('PROTOCOL');
  });

  it('with lookups of names that do not exist refuses more than a link may have waiting', async () => {
    const { server, honest, plane } = await setUp();
    let refused = 0;
    const waiting = upTo(limits.waitingLookups + 500).map((index) =>
      server.lookup({ name: `never ${index % 100}` }, { timeoutMs: 30_000 }).catch((error: unknown) => {
        if (codeOf(error) === 'BACKPRESSURE') refused += 1;
      }),
    );
    await flood(1, honest, async () => {});
    expect(refused).to.equal(500);
    await plane.world.pass(31_000);
    await Promise.all(waiting);
    const late = server.lookup({ name: 'late' }, { timeoutMs: 30_000 });
    await honest.client.registerName('late', { cUid: 12n, service: 's' });
    expect(await late).to.include({ cUid: 12n });
  });

  it('with definitions keeps those of others', async () => {
    const { server, identity, honest } = await setUp();
    const kept = v1.PipelineDefinition.create({ name: 'honest', url: 'file:///honest.js' });
    await honest.client.startPipeline(kept, []);
    const hash = definitionHash(kept);
    await flood(5_000, honest, (index) => register(server, identity(), `evil ${index}`));
    expect(await honest.client.getDefinition(hash)).to.include({ name: 'honest' });
    const huge = register(server, identity(), 'x'.repeat(limits.definitionBytes));
    expect(codeOf(await millraceRejection(huge))).to.equal('PROTOCOL');
  });

  it('with pipelines refuses more than a process may run', async () => {
    const { server, identity, honest } = await setUp();
    const { hash: definition } = await register(server, identity(), 'evil');
    const start = () => server.startPipeline({ ...identity(), definition });
    const refused = await flood(limits.processPipelines + 500, honest, start);
    expect(refused).to.have.length(500);
  });
});

describe('a pipeline at the control plane', () => {
  const store = new Draft(initialState());
  const { pUid } = store.members.connect(v1.ConnectProcess.create({ launch: 'one', name: 'one' }));
  const [partition = 0] = store.members.registerPartitions(pUid, ['memory://one']);
  store.members.activate(pUid, { cUid: 3n, service: 's', incarnation: 0n }, []);
  store.pipelines.define(pUid, 'hash', v1.PipelineDefinition.create({ name: 'p' }));
  const segments = (count: number) =>
    upTo(count).map((index) => v1.SegmentPart.create({ name: `${index}`, partition }));

  it('has a bounded number of parts, and each segment a bounded number of instances', () => {
    const pipeline = store.startPipeline(pUid, 'hash', []);
    const expand = (count: number) =>
      store.pipelines.expand(v1.PipelineParts.create({ pipeline, segments: segments(count) }));
    expect(() => expand(limits.pipelineParts + 1)).to.throw(ProtocolError, `${limits.pipelineParts}`);
    expand(1);
    for (let instance = 2; instance <= limits.segmentInstances; instance += 1)
      store.pipelines.addInstance(pipeline, '0', partition);
    expect(() => store.pipelines.addInstance(pipeline, '0', partition)).to.throw(BackpressureError, 'segmentInstances');
  });
});

describe('definitions of pipelines', () => {
  const definition = (name: string): v1.PipelineDefinition => v1.PipelineDefinition.create({ name });

  it('go with their process, unless pipelines use them, and then with the last of these', () => {
    const used = new Set<string>();
    const definitions = new Definitions(NO_DEFINITIONS, (hash) => used.has(hash));
    definitions.define(1n, 'a', definition('a'));
    definitions.define(1n, 'b', definition('b'));
    used.add('b');
    definitions.retire(1n);
    expect(() => definitions.get('a')).to.throw('Register it again');
    expect(definitions.get('b').name).to.equal('b');
    used.delete('b');
    definitions.released('b');
    expect(() => definitions.get('b')).to.throw('Register it again');
  });

  it('that are used make no room for others, and the newest stays', () => {
    const definitions = new Definitions(NO_DEFINITIONS, (hash) => hash !== 'newest');
    for (const index of upTo(limits.processDefinitions)) definitions.define(1n, `used ${index}`, definition('used'));
    definitions.define(1n, 'newest', definition('newest'));
    expect(definitions.get('newest').name).to.equal('newest');
    expect(definitions.get('used 0').name).to.equal('used');
  });
});

function register(server: Server, identity: { readonly pUid: bigint; readonly tag: number }, name: string) {
  return server.registerDefinition({
    ...identity,
    definition: v1.PipelineDefinition.create({ name, url: 'file:///x.js' }),
  });
}

/** The code of the error that a handler of the control plane threw. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  return String(Reflect.get(error, 'handlerCode') ?? Reflect.get(error, 'code'));
}
