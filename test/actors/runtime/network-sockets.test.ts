import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { componentNetwork, joinNetworks } from '#src/actors/component/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { openVisitor, surveyNetwork } from '#src/actors/runtime/survey/index.js';
import { memoryLogger, silentLogger } from '#src/logging/index.js';
import { resolveOptions } from '#src/options/index.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import { Listing } from '../transport/errands.js';

/** Programs of one process: between them there is nothing but sockets. */
describe('a network over sockets', function () {
  this.timeout(60_000);
  const runtimes: Runtime[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });
  afterEach(async () => {
    for (const runtime of runtimes.splice(0).toReversed()) await runtime.stop();
    rmSync(folder, { recursive: true });
  });

  const place = (name: string): string => `unix:${join(folder, name)}`;
  const start = async (
    nodeName: string,
    seeds: readonly string[],
    others: { peersFile?: string; clusterKeyFile?: string; probeMs?: number } = {},
  ) => {
    const log = memoryLogger();
    const runtime = await Runtime.start({
      nodeName,
      listen: place(nodeName),
      seeds,
      probeMs: 100,
      ucx: 'off',
      log,
      ...others,
    });
    runtimes.push(runtime);
    return {
      runtime,
      /** Why members did not answer. */
      unanswered: () =>
        log.records
          .filter(({ message }) => message === 'a member of the network has not answered')
          .map(({ fields }) => String(fields['error'])),
      warnings: () => log.records.filter(({ level }) => level === 'warn').map(({ message }) => message),
    };
  };
  const living = (runtime: Runtime): string[] =>
    runtime.members().flatMap(({ node, status }) => (status === 'alive' ? [node] : []));

  it('is found again from the file of peers, where no seed is up', async () => {
    const peersFile = join(folder, 'peers.json');
    const { runtime: one } = await start('one', [place('one')]);
    const { runtime: two } = await start('two', [place('one')], { peersFile });
    expect(living(two)).to.deep.equal(['two', 'one']);
    await two.stop();
    expect(JSON.parse(readFileSync(peersFile, 'utf8'))).to.deep.equal({
      format: 'millrace-peers 1',
      addresses: [place('one')],
    });
    const { runtime: again } = await start('again', [place('nowhere')], { peersFile });
    await eventually(() => living(again).length === 2 && living(one).length === 2);
  });

  it('has a process that is its own seed, by an address without the name of its instance', async () => {
    const { unanswered } = await start('one', [place('one'), place('nowhere')], { probeMs: 20 });
    // It looks for one address after another.
    await eventually(() => unanswered().filter((text) => text.includes(place('nowhere'))).length >= 2);
    expect(unanswered().filter((text) => !text.includes(place('nowhere')))).to.deep.equal([]);
  });

  it('keeps the addresses of members that have gone in the file of peers', async () => {
    const peersFile = join(folder, 'peers.json');
    writeFileSync(peersFile, '');
    const { runtime: one } = await start('one', [place('one')]);
    const { runtime: two } = await start('two', [place('one')], { peersFile });
    const { runtime: three } = await start('three', [place('one')]);
    await eventually(() => living(two).length === 3);
    await three.stop();
    await one.stop();
    await eventually(() => living(two).length === 1);
    await two.stop();
    const written = readFileSync(peersFile, 'utf8');
    expect(written).to.contain(place('one')).and.to.contain(place('three'));
  });

  it('leaves a file of another program alone, and writes a torn one anew', async () => {
    const [foreign, torn] = [join(folder, 'foreign'), join(folder, 'torn')];
    writeFileSync(foreign, 'the accounts of a year');
    writeFileSync(torn, '{"format":"millrace-peers 1","addr');
    await start('one', [place('one')]);
    const two = await start('two', [place('one')], { peersFile: foreign });
    const three = await start('three', [place('one')], { peersFile: torn });
    await eventually(() => living(three.runtime).length === 3);
    await two.runtime.stop();
    await three.runtime.stop();
    expect(readFileSync(foreign, 'utf8')).to.equal('the accounts of a year');
    expect(two.warnings().join()).to.contain('is none of Millrace');
    expect(readFileSync(torn, 'utf8')).to.contain(place('one'));
    expect(three.warnings().join()).to.contain('is damaged');
  });

  it('does not hear a process without the key of the others', async () => {
    const [key, other] = [join(folder, 'key'), join(folder, 'other')];
    writeFileSync(key, 'a'.repeat(32), { mode: 0o600 });
    writeFileSync(other, 'b'.repeat(32), { mode: 0o600 });
    const { runtime: one } = await start('one', [place('one')], { clusterKeyFile: key });
    const { runtime: two } = await start('two', [place('one')], { clusterKeyFile: key });
    const { runtime: forged } = await start('forged', [place('one')], { clusterKeyFile: other });
    await eventually(() => living(one).length === 2 && living(two).length === 2);
    expect(living(forged)).to.deep.equal(['forged']);
    expect(one.members().map(({ node }) => node)).to.deep.equal(['one', 'two']);
    expect(two.network()?.unanswered).to.deep.equal([]);
    // What is not let in says so, where it looks for others, and as a gateway.
    const [unanswered] = forged.network()?.unanswered ?? [];
    expect(unanswered).to.include({ address: place('one'), hasRefused: true });
    expect(String(await rejection(forged.lookup(v1.PartitionRuntime, 'it', { timeoutMs: 50 }))))
      .to.include('no seed of the network has answered (')
      .and.include('different cluster keys');
    const joined = { own: componentNetwork(one), other: componentNetwork(forged) };
    expect(await rejection(joinNetworks(joined, { services: [Listing] })))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('not let into the network "other"')
      .and.includes('different cluster keys');
    const given: unknown = { own: one, other: forged };
    const called = (args: unknown[]): Promise<unknown> => Promise.resolve(Reflect.apply(joinNetworks, undefined, args));
    expect(String(await rejection(called([given, { services: [Listing] }])))).to.include(
      'as "own", not an object of the class Runtime',
    );
    expect(String(await rejection(called([one, { services: [Listing] }]))))
      .to.include('needs networks by their names')
      .and.include('not an object of the class Runtime');
  });

  it('tells a visitor who is there, and no member of the visitor', async () => {
    const { runtime: one } = await start('one', [place('one')]);
    await start('two', [place('one')]);
    const { values } = resolveOptions({ code: { controlPlane: place('one') }, env: {}, file: undefined });
    const visitor = await openVisitor(values, silentLogger);
    const found = await surveyNetwork(visitor, place('one'), 10_000);
    await visitor.close();
    expect(found.map(({ node, status }) => `${node} ${status}`).toSorted()).to.deep.equal(['one alive', 'two alive']);
    expect(living(one)).to.deep.equal(['one', 'two']);
  });

  it('refuses seeds that are no addresses, and a control plane beside them', async () => {
    const wrong = await rejection(Runtime.start({ seeds: ['here'] }));
    expect(wrong).to.be.instanceOf(ConfigError).with.property('message').that.contains('seeds');
    const both = await rejection(
      Runtime.start({ seeds: [place('one')], controlPlane: place('two'), logLevel: 'silent' }),
    );
    expect(both).to.be.instanceOf(ConfigError).with.property('message').that.contains('set seeds, or controlPlane');
  });
});
