import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { govern } from '#src/actors/governor/index.js';
import type { Explained, ExplainedFact } from '#src/introspection/index.js';
import { AskAbortedError, AskTimeoutError, BackpressureError, ConfigError } from '#src/errors.js';
import { messageOf } from '#src/foreign.js';
import { userCUid } from '#src/ids/index.js';
import { clerk, neverStarter } from '../actors/component/clerk.js';
import { JoinedNetworks, NEWS_MS } from '../actors/component/joined-networks.js';
import { errandRunner, Errands } from '../actors/runtime/errand-runner.js';
import {
  closeAfterEach,
  Cluster,
  describeRuntime,
  sharedRuntime,
  describePlacements,
  until,
} from '../actors/runtime/harness.js';
import { hanging } from '../actors/runtime/hosting/hanging.js';
import { Listing } from '../actors/transport/errands.js';
import { gate } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';

/** Threads and processes may take so long on a busy machine. */
const PATIENT = { timeoutMs: 10_000, sampleMs: 50 };

function factsOf({ facts }: Explained, kind: string): readonly ExplainedFact[] {
  return facts.filter((fact) => fact.kind === kind);
}

describeRuntime({ title: 'an explanation of an actor', shares: true }, (start) => {
  it('says which handler holds it, what waits, and for how long at least', async () => {
    const { runtime } = await start();
    const held = gate();
    const slow = runtime.spawn(errandRunner({ push: () => held.passed }), { name: 'slow', register: true });
    await runtime.whenRegistered(slow);
    for (let count = 0; count < 4; count++) slow.push({});
    await until(() => runtime.health().partitions[0]?.queued === 3);
    const first = await runtime.explain('slow', PATIENT);
    expect(first.because).to.match(/waits for a promise for \d+ ms at least: .*\/slow handles no message meanwhile\.$/);
    const [mailbox] = factsOf(first, 'mailbox');
    expect(mailbox?.text).to.match(
      /^3 of at most \d+ messages wait in its mailbox, the next is push, and has waited \d+ ms/,
    );
    expect(mailbox?.numbers['waitedMs']).to.be.at.least(49);
    expect(mailbox?.partition).to.equal(runtime.ordinals[0]);
    expect(JSON.parse(JSON.stringify(first))).to.deep.equal(first);
    held.open();
    await slow.run({});
    // Marks are kept now: a handler that begins has its name and its time.
    const next = gate();
    const other = runtime.spawn(errandRunner({ push: () => next.passed }), { name: 'other' });
    other.push({});
    await until(() => runtime.health().partitions[0]?.queued === 0);
    expect((await runtime.explain(other, PATIENT)).because).to.match(
      /^test\.Errands\.Push waits for a promise for \d+ ms: /,
    );
    next.open();
    expect((await runtime.explain('slow', { ...PATIENT, sampleMs: 0 })).because).to.equal(
      'Nothing that is known holds it up now.',
    );
    for (const ref of [slow, other]) await runtime.stopActor(ref);
  });

  it('says that its mailbox is full, and what full means there', async () => {
    const { runtime } = await start();
    const held = gate();
    const full = runtime.spawn(errandRunner({ mailbox: { capacity: 4 }, push: () => held.passed }), { name: 'full' });
    full.push({});
    await until(() => runtime.health().partitions[0]?.queued === 0);
    const tellAll = (): void => {
      for (let count = 0; count < 9; count++) full.push({});
    };
    expect(tellAll).to.throw(BackpressureError);
    const { facts } = await runtime.explain(full, PATIENT);
    expect(facts.find(({ kind }) => kind === 'mailbox')).to.deep.include({ weight: 60 });
    expect(facts.map(({ text }) => text).join('\n')).to.match(/4 of at most 4 .* a tell fails with BackpressureError/);
    held.open();
    await runtime.stopActor(full);
  });

  it('names the actors that wait for one another', async () => {
    const { runtime } = await start();
    const asker = (of: () => ActorRef<typeof Errands>) =>
      errandRunner({ run: async (_state, errand) => of().run(errand, { timeoutMs: 60_000 }) });
    const one: ActorRef<typeof Errands> = runtime.spawn(
      asker(() => other),
      { name: 'one' },
    );
    const other = runtime.spawn(
      asker(() => one),
      { name: 'other' },
    );
    // Each has begun by itself: an ask that comes back to its own asker is refused.
    const asked = [one, other].map((ref) => rejection(ref.run({ value: 1 }, { timeoutMs: 60_000 })));
    for (const [ref, circle] of [
      [one, /one -> .*\/other -> .*\/one\.$/],
      [other, /other -> .*\/one -> .*\/other\.$/],
    ] as const) {
      const { because } = await runtime.explain(ref, { ...PATIENT, sampleMs: 0 });
      expect(because)
        .to.match(/^These actors wait for one another, so that none can answer: /)
        .and.match(circle);
    }
    await Promise.all([one, other].map((ref) => runtime.stopActor(ref).catch(() => {})));
    for (const error of await Promise.all(asked)) expect(error).to.be.instanceOf(Error);
  });

  it('names the actor that one waits for', async () => {
    const { runtime } = await start();
    const held = gate();
    const end = runtime.spawn(errandRunner({ run: async (_state, { value }) => held.passed.then(() => ({ value })) }), {
      name: 'end',
    });
    const middle = runtime.spawn(errandRunner({ run: async (_state, errand) => end.run(errand) }), { name: 'middle' });
    const asked = middle.run({ value: 1 });
    await until(() => runtime.health().partitions[0] !== undefined);
    const { because, facts } = await runtime.explain(middle, PATIENT);
    expect(because).to.match(/^It has asked .*\/end, which has not answered/);
    expect(
      facts
        .filter(({ kind }) => kind === 'ask')
        .map(({ text }) => text)
        .join('\n'),
    ).to.match(/^test\.Errands\.Run, asked of .*\/middle from here, has no reply yet; its deadline is in \d+ ms\.$/m);
    held.open();
    await asked;
    for (const ref of [middle, end]) await runtime.stopActor(ref);
  });

  it('says where an ask was that timed out: in the mailbox, or in its handler', async () => {
    const { runtime } = await start();
    const slow = runtime.spawn(errandRunner({ run: () => new Promise(() => {}) }), { name: 'late' });
    await runtime.explain(slow, PATIENT);
    const asks = [1, 2].map((value) => rejection(slow.run({ value }, { timeoutMs: 50 })));
    const [handled, waiting] = await Promise.all(asks);
    expect(handled).to.be.instanceOf(AskTimeoutError);
    expect(messageOf(handled)).to.contain('its handler has begun, and has not ended');
    expect(messageOf(waiting)).to.contain('it still waits in the mailbox');
    const explained = await runtime.explain(slow, PATIENT);
    expect(factsOf(explained, 'event').filter(({ text }) => text.includes('ask-late'))).to.have.length(2);
    expect(explained.because).to.match(/^test\.Errands\.Run waits for a promise/);
    runtime.stopActor(slow).catch(() => {});
  });

  it('says of an actor of another partition, from both ends, why an ask of it has no reply', async () => {
    const { runtime } = await start();
    const [, ordinal = runtime.ordinals[0] ?? 0] = runtime.ordinals;
    const isFar = ordinal !== runtime.ordinals[0];
    const far = await runtime.place(hanging, { args: { began: '' }, on: { partition: ordinal }, register: 'far' });
    const explain = () => runtime.explain('far', PATIENT);
    far.push({});
    await eventually(async () => (await explain()).facts.some(({ kind }) => kind === 'handler'));
    const late = await rejection(far.run({ value: 1 }, { timeoutMs: 300 }));
    expect(late).to.be.instanceOf(AskTimeoutError);
    expect(messageOf(late)).to.contain(isFar ? 'it was sent' : 'still waits in the mailbox');
    const asked = rejection(far.run({ value: 2 }, { timeoutMs: 60_000 }));
    const explained = await explain();
    expect(explained.because).to.match(/waits for a promise/);
    const [handler] = factsOf(explained, 'handler');
    expect(handler?.partition).to.equal(ordinal);
    const own = explained.facts.filter(({ partition }) => partition === runtime.ordinals[0]);
    expect(own.map(({ kind }) => kind)).to.include('ask');
    if (isFar) {
      expect(own.map(({ kind }) => kind)).to.include.members(['link', 'route']);
      expect(factsOf(explained, 'link')[0]?.text).to.match(/^The link to .* is carried by (memory|net|ucx|rings)/);
    }
    expect(explained.facts.some(({ kind, text }) => kind === 'event' && text.includes('ask-late'))).to.equal(true);
    await runtime.stopActor(far).catch(() => {});
    expect(await asked).to.be.instanceOf(Error);
  });

  it('refuses what nobody knows, and a wrong option', async () => {
    const { runtime } = await start();
    const error = await rejection(runtime.explain('nobody', PATIENT));
    expect(error).to.be.instanceOf(ConfigError);
    expect(messageOf(error)).to.match(/^Nobody knows "nobody": it is no name or path of an actor/);
    for (const sampleMs of ['soon', -5, Number.NaN, Number.POSITIVE_INFINITY, 60_001] as readonly number[]) {
      const wrong = await rejection(runtime.explain('nobody', { sampleMs }));
      expect(wrong).to.be.instanceOf(ConfigError);
      expect(messageOf(wrong)).to.match(/^sampleMs of explain must be a number of milliseconds from 0 to 60000, not /);
    }
  });

  it('knows nobody by the id of no partition, and says that a partition is not there', async () => {
    const { runtime } = await start();
    for (const id of ['actor dead', 'actor 1', 'actor 0']) {
      const error = await rejection(runtime.explain(id, { ...PATIENT, sampleMs: 0 }));
      expect(messageOf(error)).to.match(new RegExp(`^Nobody knows "${id}"`));
    }
    const gone = userCUid(40_000, 1);
    const { because } = await runtime.explain(`actor ${gone.toString(16)}`, { ...PATIENT, sampleMs: 0 });
    expect(because).to.match(
      /^Partition 40000, that of actor [0-9a-f]+, is not in the cluster\. It has ended, or was never/,
    );
  });

  it('ends at its signal', async () => {
    const { runtime } = await start();
    const leaving = new AbortController();
    const error = rejection(runtime.explain('nobody', { ...PATIENT, signal: leaving.signal }));
    leaving.abort();
    expect(await error).to.be.instanceOf(AskAbortedError);
  });
});

describePlacements('an explanation of a component', (newCluster) => {
  const opened = sharedRuntime(newCluster, { system: { partitions: 3 }, kernelLimits: { stopTimeoutMs: 200 } });

  it('says why no more containers are started, and which way its requests took', async () => {
    const { runtime, cluster } = await opened();
    await using network = componentNetwork(runtime);
    using governor = govern(network, { limit: 1 });
    const served = await network.serve(clerk, { containers: { min: 0, max: 10 } });
    expect(governor.limit).to.equal(1);
    const client = await network.client(Listing);
    await runtime.explain('clerk', PATIENT);
    await client.run({ value: 0 });
    const all = Array.from({ length: 6 }, () => client.run({ value: 300 }, { timeoutMs: 20_000 }));
    await until(() => served.load().waiting > 0 && governor.explain()[0]?.held !== undefined);
    const explained = await runtime.explain('clerk', { ...PATIENT, sampleMs: 0 });
    expect(explained.because, JSON.stringify(explained.facts)).to.match(
      /^The governor wanted \d+ containers of "clerk" \d+ ms ago, because .*\. No more were started: the limit of this process is 1 containers\.$/,
    );
    const [component] = factsOf(explained, 'component');
    expect(component?.numbers).to.include({ containers: 1, max: 10 });
    await Promise.all(all);
    const { facts } = await runtime.explain('test.Listing.Run', { ...PATIENT, sampleMs: 0 });
    const requests = facts.filter(({ kind }) => kind === 'request');
    expect(requests).to.have.length(7);
    expect(requests[0]?.text).to.match(
      /^test\.Listing\.Run, \d+ ms ago, got its container after \d+ ms by direct call, from this process/,
    );
    expect(requests.at(-1)?.text).to.match(/Not taken: this process \(1 containers\): none was free/);
    await cluster.pass(1);
  });

  it('says why a container could not start, and when the next one begins', async () => {
    const { runtime } = await opened();
    await using network = componentNetwork(runtime);
    await network.serve(neverStarter, { containers: 1, startTimeoutMs: 300 });
    const { because, facts } = await runtime.explain(neverStarter.name, { ...PATIENT, sampleMs: 0 });
    expect(because).to.match(/^The last start of a container of ".*" has failed: .*(the next one (may )?begin)/s);
    expect(facts.find(({ kind }) => kind === 'container')?.numbers).to.have.property('pauseMs');
  });
});

describe('an explanation of a request that spilled', () => {
  closeAfterEach();

  it('says that it went to another node, or through a gateway, and why', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 1);
    await world.serving('depot', 1);
    await world.gateway(['shop', 'depot']);
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    const { typeName } = Listing;
    const explain = () => near.runtime.explain(typeName, { sampleMs: 0 });
    // The process of the gateway, which calls it too, has facts of its own.
    const requestsIn = (explained: Explained): readonly string[] =>
      factsOf(explained, 'request')
        .filter(({ partition }) => partition === near.runtime.ordinals[0])
        .map(({ text }) => text);
    const before = await explain();
    expect(requestsIn(before)).to.deep.equal([
      `This process has made no request of ${typeName} since it has been watched, which it is for 10 s from now on: make one, and ask again.`,
    ]);
    expect(factsOf(before, 'gateway').map(({ text }) => text)).to.deep.equal([
      'This process is a gateway: from "shop" it reaches "depot" (1 containers, 1 idle); 0 requests are on their way.',
      'This process is a gateway: from "depot" it reaches "shop" (1 containers, 1 idle); 0 requests are on their way.',
    ]);
    const first = client.run({ value: 500 }, { within: 20 });
    await world.cluster.pass(50);
    const second = client.run({ value: 500 }, { within: 20 });
    await world.cluster.pass(50);
    const texts = requestsIn(await explain());
    expect(texts[0]).to.match(/got its container after \d+ ms by direct call/);
    expect(texts[1]).to.match(
      /got its container after \d+ ms through a gateway, from the gateway of process "shop" to "depot" .* Not taken: this process \(1 containers\): none was free after 20 ms, and none starts\.$/,
    );
    await Promise.all([first, second]);
  });
});

describe('an explanation of a link', () => {
  closeAfterEach();

  it('says what carries it, that a full mailbox lets nothing more be sent, and that its peer cannot be reached', async () => {
    const cluster = new Cluster();
    const shop = await cluster.start();
    const caller = await cluster.start();
    const held = gate();
    const full = errandRunner({ mailbox: { capacity: 4 }, push: () => held.passed });
    await shop.whenRegistered(shop.spawn(full, { name: 'full', register: true }));
    const ref = await caller.lookup(Errands, 'full');
    const send = async (): Promise<void> => {
      for (let count = 0; count < 10_000; count++) {
        ref.push({});
        if (count % 8 === 0) await cluster.pass(2);
      }
    };
    expect(await rejection(send())).to.be.instanceOf(BackpressureError);
    const ofActor = await caller.explain('full', { sampleMs: 20 });
    const credit = factsOf(ofActor, 'credit');
    expect(credit[0]?.text).to.match(
      /^The mailbox of "full" .* is full: it lets this process send no more than \d+ messages/,
    );
    expect(credit[0]?.partition).to.equal(caller.ordinals[0]);
    const [link] = factsOf(ofActor, 'link');
    const ofLink = await caller.explain(link?.subject ?? '', { sampleMs: 0 });
    expect(factsOf(ofLink, 'link').map(({ text }) => text)[0]).to.match(/is carried by memory/);
    expect(factsOf(ofLink, 'route')[0]?.text).to.be.a('string');
    held.open();
  });
});
