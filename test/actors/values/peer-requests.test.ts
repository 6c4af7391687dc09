import { expect } from 'chai';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import { PeerRequests } from '#src/actors/values/peer-requests.js';
import { peerIncarnation } from '#src/descriptors/index.js';
import { ProtocolError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { until } from '../../support/until.js';
import { endWorlds, type Partition, PartitionWorld } from '../transport/partitions.js';

const PEER = { ordinal: 2, incarnation: 1n };

/** An actor that has requests to a peer. `settled` is what becomes of the answers to questions. */
async function requestsOf(
  { system }: Partition,
  ref: ActorRef<v1.Descriptors>,
  settled: () => void,
): Promise<PeerRequests> {
  let requests: PeerRequests | undefined;
  system.spawn(
    behavior(v1.Descriptors, {
      supervision: { onFailure: 'resume' },
      control: () => ({}),
      settle: () => ({}),
      fetch: async function* () {},
      on: {
        started: (_state, context) => {
          requests = new PeerRequests({ name: peerIncarnation(PEER), ref, context, settled, freed: () => {} });
        },
      },
    }),
  );
  await until('the actor to start', () => requests !== undefined);
  if (requests === undefined) throw new Error('never');
  return requests;
}

describe('requests to a peer', () => {
  afterEach(endWorlds);

  it('go on after an answer that does not fit', async () => {
    const world = new PartitionWorld({ latencyMs: 5 });
    const near = await world.start('a/1');
    const told: v1.DescriptorControl[] = [];
    const peer = near.system.spawn(
      behavior(v1.Descriptors, {
        control: (_state, { messages }) => {
          told.push(...messages);
          return {};
        },
        settle: () => ({ receipts: [{}] }),
        fetch: async function* () {},
      }),
    );
    let answers = 0;
    const requests = await requestsOf(near, peer, () => {
      answers++;
      throw new ProtocolError('This answer fits no question.');
    });
    requests.ask([{ object: { owner: PEER, number: 1 }, sent: 1 }]);
    requests.tell({ message: { case: 'freed', value: { objects: [1] } } });
    await until('the message behind the question to arrive', () => told.length === 1);
    requests.ask([{ object: { owner: PEER, number: 2 }, sent: 1 }]);
    requests.tell({ message: { case: 'freed', value: { objects: [2] } } });
    await until('the next one to arrive', () => told.length === 2);
    expect(answers).to.equal(2);
  });
});
