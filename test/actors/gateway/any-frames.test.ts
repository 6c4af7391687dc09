import { expect } from 'chai';
import fc from 'fast-check';
import { encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { TOKEN } from './memory-pair.js';
import { VirtualWorld } from './virtual-world.js';

type Frame = NonNullable<v1.ClientFrameInit['frame']>;

const call = fc.integer({ min: 0, max: 12 });
const name = fc.constantFrom('stall', 'late', 'nobody', '');
const credit = fc.constantFrom(0, 1, 3, 1_024, 4_000_000_000);
const timeoutMs = fc.constantFrom(0, 1, 500, 4_000_000_000);
const method = fc.constantFrom(
  'test.Listing.Run',
  'test.Listing.List',
  'test.Listing.Push',
  'test.Depot.Load',
  'x',
  '',
);
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc
    .record({ call, service: fc.constantFrom('test.Listing', 'x'), name, timeoutMs })
    .map((value) => ({ case: 'lookup', value }) as const),
  fc
    .record({ call, name, method, message: fc.uint8Array({ maxLength: 6 }), timeoutMs, credit })
    .map((value) => ({ case: 'call', value }) as const),
  fc
    .record({ call, type: fc.constantFrom('test.Row', 'x'), topic: fc.constantFrom('rows', 'x'), credit })
    .map((value) => ({ case: 'subscribe', value }) as const),
  fc.record({ call, credit }).map((value) => ({ case: 'grant', value }) as const),
  fc.record({ call }).map((value) => ({ case: 'cancel', value }) as const),
  fc.constant({ case: 'ping', value: { number: 4_000_000_000 } } as const),
  fc.constant({ case: 'hello', value: { version: 1, token: TOKEN } } as const),
);

describe('a gateway whose client says anything', () => {
  it('answers or closes that connection, keeps nothing of it, and serves the others', async () => {
    const world = await VirtualWorld.start(2);
    const { client, ref } = await world.found();
    const frames = fc.array(
      fc.oneof({ weight: 5, arbitrary: frame }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 9 }) }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(frames, fc.boolean(), async (said, isKnown) => {
        const socket = world.gateway.dial();
        const say = (each: Frame): void => socket.send(encode(v1.ClientFrame, { frame: each }));
        socket.onopen = () => {
          if (isKnown) say({ case: 'hello', value: { version: 1, token: TOKEN } });
        };
        await world.cluster.pass(20);
        for (const each of said) {
          if (each instanceof Uint8Array) socket.send(each);
          else say(each);
        }
        await world.cluster.pass(50);
        expect((await ref.run({ value: 1 })).value).to.equal(2);
        socket.break();
        await world.cluster.pass(50);
        const { authenticated, unauthenticated, calls } = world.gateway.clients;
        expect([authenticated, unauthenticated, calls, world.stall.listing]).to.deep.equal([1, 0, 0, 0]);
      }),
      { numRuns: 80 },
    );
    expect(client.state).to.equal('open');
    world.stall.gate.resolve();
    await world.cluster.pass(11_000);
    await world.stop();
  });
});
