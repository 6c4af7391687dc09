import { Executor } from '#src/actors/runtime/index.js';
import { globalServicesInputCUid } from '#src/ids/index.js';
import {
  type AnyMethod,
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  Lane,
  LANES,
  readDelimitedEnvelope,
  readValue,
  type Ref,
  v1,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import type { Link, Transport } from '#src/transport/index.js';
import { chat, Errands, list, load, push, run } from '../../../actors/transport/errands.js';
import { depot, errands, listing } from '../../../actors/transport/partitions.js';
import { holds, type Target } from '../target.js';

/** Stands for the id of an actor in inputs: the ids of a run are others. */
const MARKS = [0x11, 0x22, 0x33, 0x44].map((byte) => new Uint8Array(8).fill(byte));
/** Inputs for one cluster. Then it must stop without leaving anything. */
const INPUTS = 100;
/** Virtual time for what an input has caused, in ms. */
const SETTLE_MS = 20;
/** Actors, links and bytes that the runtime may hold for a peer after it has gone. */
const LEFT = { linkAsks: 0, mailboxBytes: 0 };

/**
 * The frames of a peer that holds the key, to a whole runtime: actors that are told, asked and read, and the control plane. The first byte of an
 * input says whether a hello goes ahead. Then come frames: one byte for the lane and whether time passes, two for the length, the bytes.
 */
export function link(): Target {
  let cluster: Cluster | undefined;
  return {
    seeds: () =>
      [controls(), tells(), streams(), streamedRequests(), ...requests()].map((frames) =>
        Uint8Array.from([0, ...frames]),
      ),
    words: [...MARKS, push.fullName, run.fullName, list.fullName, load.fullName, chat.fullName],
    feed: async (bytes) => {
      cluster ??= await Cluster.start();
      await cluster.feed(bytes);
      if (cluster.inputs < INPUTS) return;
      await cluster.end();
      cluster = undefined;
    },
    close: async () => cluster?.end(),
  };
}

/** A runtime with actors, an honest one beside it, and the place from which a stranger connects. */
class Cluster {
  inputs = 0;
  readonly #executor: Executor;
  readonly #errors: unknown[];
  readonly #transport: Transport;
  readonly #ids: readonly bigint[];
  readonly #honest: () => Promise<number>;

  static async start(): Promise<Cluster> {
    const errors: unknown[] = [];
    const scheduler = new VirtualScheduler({ seed: 1, onError: (error) => errors.push(error) });
    const executor = new Executor({ scheduler });
    const runtime = await executor.start({ node: 'node-0' });
    const other = await executor.start({ node: 'node-1', controlPlane: runtime.controlPlane });
    const refs = [
      runtime.spawn(errands(), { name: 'errands', register: true }).toRef(),
      runtime.spawn(listing(), { name: 'listing' }).toRef(),
      runtime.spawn(depot(), { name: 'depot' }).toRef(),
    ];
    const honest = await other.lookup(Errands, 'errands');
    const transport = executor.network.transport({ node: 'evil', process: 'process' });
    const ask = async (): Promise<number> => (await honest.run({ value: 21 })).value;
    return new Cluster({ executor, errors, transport, refs, ask });
  }

  private constructor(made: {
    readonly executor: Executor;
    readonly errors: unknown[];
    readonly transport: Transport;
    readonly refs: readonly Ref[];
    readonly ask: () => Promise<number>;
  }) {
    this.#executor = made.executor;
    this.#errors = made.errors;
    this.#transport = made.transport;
    this.#honest = made.ask;
    const [first = 0n, second = 0n, third = 0n] = made.refs.map(({ cUid }) => cUid);
    this.#ids = [first, second, globalServicesInputCUid, third];
  }

  async feed(bytes: Uint8Array): Promise<void> {
    this.inputs++;
    const [runtime] = this.#executor.runtimes;
    if (runtime?.controlPlane === undefined) throw new RangeError('The runtime under test has ended.');
    const stranger = await this.#transport.connect(runtime.controlPlane, { timeoutMs: 1_000 });
    const versions: number[] = [];
    const read = (_lane: Lane, frame: Uint8Array): void => void versions.push(...versionsIn(frame));
    stranger.setHandlers({ frame: read, writable: () => {}, closed: () => {} });
    await this.#pass(1);
    const hello = { version: versions[0] ?? 0, address: 'evil/process', ordinal: 9, incarnation: 5n };
    const isPolite = ((bytes[0] ?? 0) & 1) === 0;
    const first = isPolite ? frame(Lane.control, [control({ case: 'hello', value: hello })]) : [];
    await this.#send(stranger, Uint8Array.from([...first, ...this.#withIds(bytes.subarray(1))]));
    await this.#pass(SETTLE_MS);
    holds(this.#errors.length === 0, `a turn threw: ${String(this.#errors[0])}`);
    stranger.close();
    await this.#pass(SETTLE_MS);
    const { linkAsks, mailboxBytes } = runtime.leftovers;
    holds(
      linkAsks === LEFT.linkAsks && mailboxBytes === LEFT.mailboxBytes,
      `it holds ${linkAsks} asks and ${mailboxBytes} bytes of a peer that has gone`,
    );
    if (this.inputs % 10 === 0) holds((await this.#honest()) === 21, 'an honest peer gets a wrong answer');
  }

  /** A stop that leaves an actor, a timer or a link behind is a finding. */
  async end(): Promise<void> {
    await this.#transport.close();
    const { started, network } = this.#executor;
    await this.#executor.stop();
    for (const runtime of started) {
      const left = Object.entries(runtime.leftovers).filter(([, count]) => count !== 0);
      holds(left.length === 0, `left after the stop: ${JSON.stringify(left)}`);
    }
    holds(network.statistics.openLinks === 0, `${network.statistics.openLinks} links are left after the stop`);
  }

  async #send(stranger: Link, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at + 3 <= bytes.length; ) {
      const [choice = 0, low = 0, high = 0] = bytes.subarray(at, at + 3);
      const frame = bytes.subarray(at + 3, at + 3 + low + 256 * high);
      at += 3 + low + 256 * high;
      const lane = LANES[choice & 1] ?? Lane.data;
      const buffer = stranger.acquire(lane, frame.length);
      if (buffer === undefined) return;
      buffer.set(frame);
      stranger.send(lane, buffer, frame.length);
      if ((choice & 2) !== 0) await this.#pass(5);
    }
    this.#transport.flush();
  }

  #withIds(bytes: Uint8Array): Uint8Array {
    const result = Buffer.from(bytes);
    for (const [index, mark] of MARKS.entries()) {
      for (let at = result.indexOf(mark); at >= 0; at = result.indexOf(mark, at + 8)) {
        result.writeBigUInt64LE(this.#ids[index] ?? 0n, at);
      }
    }
    return result;
  }

  #pass(ms: number): Promise<void> {
    this.#transport.flush();
    return new Promise((resolve) => void this.#executor.scheduler.setTimer(ms, resolve));
  }
}

/** The versions in the hellos of a frame. */
function versionsIn(frame: Uint8Array): readonly number[] {
  const versions: number[] = [];
  const reader = new WireReader(frame);
  for (const view = new EnvelopeView(); readDelimitedEnvelope(reader, view); ) {
    if (view.mode !== EnvelopeMode.link) continue;
    const { message } = readValue(v1.LinkMessage, new WireReader(), frame, view.valueStart, view.valueEnd);
    if (message.case === 'hello') versions.push(message.value.version);
  }
  return versions;
}

/** Every control message that a router knows. */
function controls(): Uint8Array {
  const cUid = idOf(0);
  const hello = { version: 1, address: 'evil/process', ordinal: 8, incarnation: 6n };
  const messages: readonly v1.LinkMessageInit['message'][] = [
    { case: 'hello', value: hello },
    { case: 'methodBound', value: { method: 1 } },
    { case: 'watch', value: { cUid } },
    { case: 'watching', value: { cUid } },
    { case: 'terminated', value: { cUid } },
    { case: 'unwatch', value: { cUid } },
    { case: 'pressure', value: { cUid, level: v1.Pressure_Level.METERED, granted: 4 } },
    { case: 'mailboxWant', value: { cUid, sent: 3 } },
    { case: 'undelivered', value: { cUid, method: push.fullName, tells: 2, messages: [new Uint8Array(3)] } },
    { case: 'streamCredit', value: { stream: 1, credit: 5, received: 1, hasGap: true, chain: [cUid] } },
    { case: 'streamCancel', value: { stream: 1 } },
    { case: 'streamEnd', value: { stream: 1, elements: 2 } },
    { case: 'streamClosed', value: { stream: 1, isReader: true } },
    { case: 'askAborted', value: { correlation: 1 } },
    { case: 'fence', value: { tokens: [7n] } },
    { case: 'clockPing', value: { sentMs: 5 } },
    { case: 'clockPong', value: { pingMs: 5, sentMs: 6 } },
  ];
  return Buffer.concat(messages.map((message) => frame(Lane.control, [control(message)])));
}

function tells(): Uint8Array {
  const asked = envelope(
    { ...to(0), mode: EnvelopeMode.ask, correlation: 1, method: 2, methodName: run.fullName },
    run,
  );
  const again = envelope(
    { ...to(0), mode: EnvelopeMode.ask, correlation: 2, method: 2, remainingMicroseconds: 9e6 },
    run,
  );
  const told = envelope({ ...to(0), method: 1, methodName: push.fullName }, push);
  return Buffer.concat([
    frame(Lane.data, [told, asked]),
    frame(Lane.data, [again, envelope({ ...to(0), method: 1 }, push)]),
  ]);
}

function streams(): Uint8Array {
  const opened = envelope(
    { ...to(1), mode: EnvelopeMode.open, correlation: 1, method: 3, methodName: list.fullName, credit: 4 },
    list,
    { value: 9 },
  );
  const credit = control({
    case: 'streamCredit',
    value: { stream: 1, credit: 8, received: 4, hasGap: false, chain: [] },
  });
  const cancel = control({ case: 'streamCancel', value: { stream: 1 } });
  const element = envelope({ mode: EnvelopeMode.element, correlation: 1, sequence: 1 }, list);
  return Buffer.concat([
    frame(Lane.data, [opened], true),
    frame(Lane.data, [credit, element], true),
    frame(Lane.data, [cancel]),
  ]);
}

/** Calls whose requests are streams, and the frames of those streams, from both ends. */
function streamedRequests(): Uint8Array {
  const call = { ...to(3), correlation: 1, method: 4, methodName: load.fullName, requestStream: 7 };
  const loading = envelope({ ...call, mode: EnvelopeMode.ask, remainingMicroseconds: 9e6 }, load);
  const talk = { ...call, mode: EnvelopeMode.open, correlation: 2, method: 5, methodName: chat.fullName };
  const talking = envelope({ ...talk, requestStream: 8, credit: 4, creditBytes: 1_000 }, chat);
  const element = (correlation: number, sequence: number): Uint8Array =>
    envelope({ mode: EnvelopeMode.element, correlation, sequence }, load, { value: 5 });
  const end = control({ case: 'streamEnd', value: { stream: 1, elements: 2 } });
  const opening = { mode: EnvelopeMode.open, correlation: 3, requestStream: 1, credit: 4, creditBytes: 1_000 };
  return Buffer.concat([
    frame(Lane.data, [loading, talking], true),
    frame(Lane.data, [element(1, 0), element(1, 1), element(2, 0)], true),
    frame(Lane.data, [end, envelope(opening, load)]),
  ]);
}

/** Every request to the control plane, empty. */
function requests(): readonly Uint8Array[] {
  return Object.values(v1.ControlPlane.methods).map((method, index) => {
    const header = {
      ...to(2),
      mode: EnvelopeMode.ask,
      correlation: index + 1,
      method: 10,
      methodName: method.fullName,
    };
    return frame(method.lane, [envelope(header, method)]);
  });
}

function idOf(mark: number): bigint {
  return Buffer.from(MARKS[mark] ?? []).readBigUInt64LE();
}

function to(mark: number): Partial<EnvelopeHeader> {
  const id = Buffer.from(MARKS[mark] ?? []);
  return { hasTo: true, toLow: id.readUInt32LE(0), toHigh: id.readUInt32LE(4) };
}

function control(message: v1.LinkMessageInit['message']): Uint8Array {
  const fields = Object.assign(new EnvelopeHeader(), { mode: EnvelopeMode.link });
  return written((writer) =>
    writeDelimitedEnvelope(writer, fields, v1.LinkMessage, v1.LinkMessage.create({ message })),
  );
}

function envelope(header: Partial<EnvelopeHeader>, method: AnyMethod, value: unknown = {}): Uint8Array {
  const fields = Object.assign(new EnvelopeHeader(), header);
  return written((writer) => writeDelimitedEnvelope(writer, fields, method.request, method.request.create(value)));
}

function written(write: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter(new Uint8Array(4_096));
  write(writer);
  return writer.bytes.slice(0, writer.position);
}

function frame(lane: Lane, envelopes: readonly Uint8Array[], passes = false): Uint8Array {
  const bytes = Buffer.concat(envelopes);
  return Uint8Array.from([
    (lane === Lane.data ? 1 : 0) | (passes ? 2 : 0),
    bytes.length & 0xff,
    bytes.length >> 8,
    ...bytes,
  ]);
}
