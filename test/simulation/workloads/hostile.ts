import { behavior, limits, MillraceError } from '#src/index.js';
import { EnvelopeMode, v1 } from '#src/protocol/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { Stranger } from '../../actors/transport/stranger.js';
import { Parcels } from '../services/parcels.js';

const MAX_MESSAGE_BYTES = 1_048_576;
/** What a peer may have parked that ignores its grants, in bytes: as docs/limits.md says, and the message with which it is noticed. */
const MOST_PARKED = limits.linkParkedBytes + 3 * MAX_MESSAGE_BYTES;

/**
 * A peer that holds the key ignores that a mailbox is full: it costs the receiver no more than the bound, loses its link, and holds up no
 * honest peer.
 */
export default workload('hostile', {
  sizes: { nodes: [2, 3], capacity: [1, 16], kib: [64, 900], asks: [1, 10] },
  runtime: () => ({ linkLimits: { maxMessageBytes: MAX_MESSAGE_BYTES }, kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    const [home, other] = world.nodes;
    const runtime = home?.runtime;
    if (home === undefined || other === undefined || runtime === undefined) return;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const blocked = home.spawn(store(released, world.size('capacity')), { name: 'blocked' });
    home.spawn(store(Promise.resolve(), 1_000), { name: 'fast', register: true });
    const stranger = await flood(world, runtime.controlPlane, blocked.toRef().cUid);
    const fast = await other.lookup(Parcels, 'fast');
    const asks = Array.from({ length: world.size('asks') }, async () => {
      await world.pass(world.below(500));
      await fast.weigh({ number: 1 }, { timeoutMs: 1_000 });
    });
    await Promise.all(asks).catch((error: unknown) =>
      world.check(false, `an honest peer is held up: ${String(error)}`),
    );
    const { mailboxBytes } = runtime.leftovers;
    world.check(mailboxBytes <= mostBytes(world), `a hostile peer has made a process hold ${mailboxBytes} bytes`);
    world.check(stranger.ended.length > 0, 'a peer that ignores its grants keeps its link');
    release();
    await stranger.transport.close();
  },
});

function store(released: Promise<void>, capacity: number) {
  return behavior(Parcels, {
    mailbox: { capacity },
    put: () => released,
    nudge: () => released,
    weigh: (_state, { number }) => ({ number }),
    relay: (_state, parcel) => parcel,
    end: () => {},
  });
}

/** The mailbox itself is full of its messages, too. */
function mostBytes(world: World): number {
  return MOST_PARKED + (world.size('capacity') + 1) * (world.size('kib') + 1) * 1_024;
}

/** Sends to the blocked actor whatever it is told, until its link ends or it has sent twice what it may. */
async function flood(world: World, address: string | undefined, cUid: bigint): Promise<Stranger> {
  if (address === undefined) throw new MillraceError('The node does not serve the control plane.');
  const transport = world.executor.network.transport({ node: 'evil', process: 'process' });
  const stranger = new Stranger(transport, await transport.connect(address, { timeoutMs: 1_000 }));
  const { put } = Parcels.methods;
  const data = new Uint8Array(world.size('kib') * 1_024);
  const bytes = stranger.envelope(
    (header) => {
      Object.assign(header, { hasTo: true, toLow: Number(cUid & 0xffffffffn), toHigh: Number(cUid >> 32n) });
      Object.assign(header, { mode: EnvelopeMode.tell, method: 1, methodName: put.fullName });
    },
    put,
    { number: 1, data },
  );
  await world.pass(10);
  const version = stranger.words.flatMap((word) => (word.case === 'hello' ? [word.value.version] : []))[0] ?? 0;
  stranger.send(
    stranger.word({ message: { case: 'hello', value: v1.Hello.create({ version, address: 'evil/process' }) } }),
  );
  while (stranger.ended.length === 0 && stranger.link.bytesSent <= 2 * mostBytes(world)) {
    stranger.send(bytes);
    await world.pass(1);
  }
  await world.pass(100);
  return stranger;
}
