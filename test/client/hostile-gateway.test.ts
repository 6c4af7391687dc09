import { expect } from 'chai';
import fc from 'fast-check';
import { connectOn } from '#src/client/connect.js';
import type { ClientSocket } from '#src/client/socket.js';
import { MillraceError } from '#src/errors.js';
import { decode, encode, type MessageType } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { Row } from '../actors/runtime/row.js';
import { Listing } from '../actors/transport/errands.js';

/** A WebSocket whose gateway welcomes, finds every name, and then says what a test wants. */
class HostileSocket implements ClientSocket {
  binaryType = '';
  readyState = 1;
  bufferedAmount = 0;
  onopen: ClientSocket['onopen'] = null;
  onmessage: ClientSocket['onmessage'] = null;
  onclose: ClientSocket['onclose'] = null;
  onerror: ClientSocket['onerror'] = null;
  readonly #scheduler: VirtualScheduler;

  constructor(scheduler: VirtualScheduler) {
    this.#scheduler = scheduler;
    this.#soon(() => this.onopen?.(undefined as never));
  }

  send(data: ArrayBuffer): void {
    const { frame } = decode(v1.ClientFrame, new Uint8Array(data));
    if (frame.case === 'hello') this.say({ case: 'welcome', value: { version: 1, frameBytes: 100_000, calls: 100 } });
    if (frame.case === 'lookup') this.say({ case: 'reply', value: { call: frame.value.call } });
  }

  say(frame: NonNullable<v1.GatewayFrameInit['frame']>): void {
    this.bytes(encode(v1.GatewayFrame, { frame }));
  }

  bytes(bytes: Uint8Array): void {
    const { buffer } = Uint8Array.from(bytes);
    this.#soon(() => this.onmessage?.({ data: buffer } as never));
  }

  close(): void {
    this.readyState = 3;
  }

  #soon(run: () => void): void {
    this.#scheduler.setTimer(1, run);
  }
}

const call = fc.nat({ max: 6 });
const message = fc.uint8Array({ maxLength: 12 });
const frame: fc.Arbitrary<NonNullable<v1.GatewayFrameInit['frame']>> = fc.oneof(
  fc.record({ call, message }).map((value) => ({ case: 'reply', value }) as const),
  fc.record({ call, message, missed: fc.nat() }).map((value) => ({ case: 'element', value }) as const),
  fc.record({ call }).map((value) => ({ case: 'end', value }) as const),
  fc
    .record({
      call,
      error: fc.record({ code: fc.constantFrom('REFUSED', 'HANDLER', '', 'odd'), message: fc.string() }),
    })
    .map((value) => ({ case: 'failure', value }) as const),
  fc.constant({ case: 'goingAway', value: { reason: 'so' } } as const),
  fc.constant({ case: 'welcome', value: { version: 9, frameBytes: 0, calls: 0 } } as const),
  fc.constant({ case: 'pong', value: {} } as const),
);

describe('a client whose gateway says anything', () => {
  it('settles each call with its reply or an error of Millrace, and leaves no timer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(frame, message), { maxLength: 25 }), fc.nat(), async (said, seed) => {
        const scheduler = new VirtualScheduler({ seed });
        const sockets: HostileSocket[] = [];
        const dial = (): Promise<ClientSocket> => {
          const socket = new HostileSocket(scheduler);
          sockets.push(socket);
          return Promise.resolve(socket);
        };
        const client = await connectOn({ clock: scheduler, dial }, { url: 'ws://hostile/' });
        const ref = await client.lookup(Listing, 'stall');
        const calls: Promise<unknown>[] = [
          ref.run({ value: 1 }),
          ref.run({ value: 2 }),
          client.lookup(Listing, 'other'),
        ];
        for (const stream of [
          ref.list({ value: 9 }, { windowItems: 2 }),
          client.subscribe(Row as MessageType<Row, never>, 'rows'),
        ]) {
          calls.push(stream.next(), stream.next());
        }
        ref.push({ value: 3 });
        for (const each of said) {
          if (each instanceof Uint8Array) sockets[0]?.bytes(each);
          else sockets[0]?.say(each);
        }
        for (const settled of await Promise.allSettled(calls)) {
          if (settled.status === 'rejected') expect(settled.reason).to.be.instanceOf(MillraceError);
        }
        client.close();
        // What the sockets say yet.
        await new Promise<void>((resolve) => void scheduler.setTimer(10, resolve));
        expect(scheduler.pendingTimers).to.equal(0);
      }),
      { numRuns: 60 },
    );
  });
});
