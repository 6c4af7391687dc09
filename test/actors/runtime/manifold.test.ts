import { expect } from 'chai';
import { behavior, later } from '#src/actors/kernel/index.js';
import { manifold } from '#src/actors/runtime/manifold.js';
import { v1 } from '#src/protocol/index.js';
import { describeLinked, until } from './harness.js';

describeLinked('a manifold', (newCluster) => {
  it('lets a writer begin when all who read know it, and not before', async () => {
    const cluster = newCluster();
    const [here, there] = [await cluster.start(), await cluster.start()];
    let answer = (): void => {};
    const heard: v1.Membership[] = [];
    const slow = behavior(v1.Subscriber, {
      rewire: (_state, membership) => {
        heard.push(membership);
        const reply = { nonce: membership.nonce };
        return membership.joined.length === 0
          ? reply
          : later(new Promise<typeof reply>((resolve) => (answer = () => resolve(reply))));
      },
      element: () => {},
      end: () => {},
      probe: () => {},
    });
    const writer = behavior(v1.Publisher, { rewire: (_state, { nonce }) => ({ nonce }), grant: () => {} });
    await there.register('manifold', there.spawn(manifold('rows', 'broadcast')));
    const ref = await here.lookup(v1.ManifoldService, 'manifold');
    await ref.join({ member: v1.Member.create({ id: 1, ref: there.spawn(slow).toRef() }), isWriter: false });
    let hasJoined = false;
    const member = v1.Member.create({ id: 2, ref: here.spawn(writer).toRef() });
    const joining = ref.join({ member, isWriter: true }, { timeoutMs: 60_000 }).then(() => (hasJoined = true));
    await until(() => heard.some(({ joined }) => joined.some(({ id }) => id === 2)));
    await cluster.pass(cluster.many(500, 50));
    expect(hasJoined).to.equal(false);
    answer();
    await joining;
  });
});
