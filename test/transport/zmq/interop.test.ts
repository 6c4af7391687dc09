import { createHmac, createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import protobuf from 'protobufjs';
import { Dealer } from 'zeromq';
import { Executor } from '#src/actors/runtime/index.js';
import { curveKeys } from '#src/transport/zmq/keys.js';
import { errands } from '../../actors/transport/partitions.js';
import { root } from '../../system/root.js';

const KEY = 'a key of more than 16 bytes';
const [DATA, REPORT] = [0, 3];
const FRAME_BYTES = 8;
const WHOLE = 1;
const [CONTROL_LANE, DATA_LANE, LINK_LANE] = [0, 1, 2];
const [ASK, LINK] = [1, 4];

/** A program without Millrace: sockets of ZeroMQ, and the published .proto files. Only the keys of CURVE are derived by ours. */
class PlainProgram {
  readonly #socket: Dealer;
  readonly #types = new protobuf.Root();
  readonly #digest = createHash('sha256');
  #sequence = 0;
  #received = 0;
  #bytes = Buffer.alloc(0);

  constructor(endpoint: string) {
    const { publicKey, secretKey } = curveKeys(KEY);
    this.#socket = new Dealer({
      linger: 0,
      routingId: randomBytes(16).toString('hex'),
      curveServerKey: publicKey,
      curvePublicKey: publicKey,
      curveSecretKey: secretKey,
    });
    this.#socket.connect(endpoint);
    this.#types.resolvePath = (_origin, target) => join(root, 'protos', target);
    this.#types.loadSync(['handshake', 'link', 'envelope'].map((name) => `millrace/v1/${name}.proto`));
  }

  type(name: string): protobuf.Type {
    return this.#types.lookupType(`millrace.v1.${name}`);
  }

  async handshake(address: string): Promise<void> {
    const opening = { oldestVersion: 1, newestVersion: 1, nonce: randomBytes(32), address, isKeyed: true };
    await this.#record({ opening });
    await this.#record({ proof: { mac: this.#proof('opening') } });
    expect(await this.#nextRecord()).to.have.property('challenge');
    await this.#record({ hello: { address: '' } });
    await this.#record({ proof: { mac: this.#proof('client') } });
    expect(await this.#nextRecord()).to.have.property('hello');
    const mac = this.#proof('server');
    expect(await this.#nextRecord()).to.deep.equal({ proof: { mac } });
  }

  /** One frame of one envelope. */
  async envelope(lane: number, number: number, envelope: object): Promise<void> {
    const bytes = this.type('Envelope').encodeDelimited(this.type('Envelope').create(envelope)).finish();
    const frame = Buffer.alloc(FRAME_BYTES + bytes.length);
    frame.writeUInt32LE(bytes.length, 0);
    frame[4] = WHOLE;
    frame[5] = lane;
    frame.writeUInt16LE(number, 6);
    frame.set(bytes, FRAME_BYTES);
    await this.#data(frame);
  }

  /** The envelopes of the next frame; none for a message of the link. */
  async frame(): Promise<{ [name: string]: unknown }[]> {
    await this.#atLeast(FRAME_BYTES);
    const length = this.#bytes.readUInt32LE(0);
    await this.#atLeast(FRAME_BYTES + length);
    const [kind, lane] = this.#bytes.subarray(4);
    const payload = this.#bytes.subarray(FRAME_BYTES, FRAME_BYTES + length);
    this.#bytes = this.#bytes.subarray(FRAME_BYTES + length);
    if (kind !== WHOLE || lane === LINK_LANE) return [];
    const reader = protobuf.Reader.create(payload);
    const envelopes = [];
    while (reader.pos < reader.len) envelopes.push(this.type('Envelope').decodeDelimited(reader).toJSON());
    return envelopes;
  }

  close(): void {
    this.#socket.close();
  }

  #proof(role: string): Buffer {
    const transcript = this.#digest.copy().digest();
    return createHmac('sha256', KEY).update(`millrace ${role} proof\n`).update(transcript).digest();
  }

  async #record(message: object): Promise<void> {
    const body = this.type('Handshake').encode(this.type('Handshake').create(message)).finish();
    const record = Buffer.from([0x6d, 0x72, body.length & 0xff, body.length >> 8, ...body]);
    this.#digest.update(record);
    await this.#data(record);
  }

  async #nextRecord(): Promise<object> {
    await this.#atLeast(4);
    const end = 4 + this.#bytes.readUInt16LE(2);
    await this.#atLeast(end);
    const record = this.#bytes.subarray(0, end);
    this.#bytes = this.#bytes.subarray(end);
    this.#digest.update(record);
    return { ...this.type('Handshake').toObject(this.type('Handshake').decode(record.subarray(4)), { bytes: Buffer }) };
  }

  async #data(bytes: Buffer): Promise<void> {
    await this.#message(DATA, bytes);
    this.#sequence += 1;
  }

  async #message(kind: number, bytes: Buffer): Promise<void> {
    const header = Buffer.alloc(12);
    header[0] = kind;
    header.writeUInt32LE(this.#sequence, 4);
    header.writeUInt32LE(this.#received, 8);
    await this.#socket.send([header, bytes]);
  }

  async #atLeast(length: number): Promise<void> {
    while (this.#bytes.length < length) {
      const [header = Buffer.alloc(12), payload = Buffer.alloc(0)] = await this.#socket.receive();
      if (header[0] !== DATA || header.readUInt32LE(4) !== this.#received) continue;
      this.#received += 1;
      this.#bytes = Buffer.concat([this.#bytes, payload]);
      await this.#message(REPORT, Buffer.alloc(0));
    }
  }
}

describe('a plain program of ZeroMQ', () => {
  it('asks an actor with the published protos', async () => {
    const executor = new Executor({ net: { key: KEY, ucx: 'off', zmqListen: 'zmq+tcp://127.0.0.1:0' } });
    const runtime = await executor.start({ node: 'node-0' });
    const ref = runtime.spawn(errands({ run: (_state, { value }) => ({ value: value + 1 }) }));
    const { cUid } = ref.toRef();
    const address = runtime.controlPlane.split(' ').find((each) => each.startsWith('zmq+tcp:')) ?? '';
    const program = new PlainProgram(address.replace(/^zmq\+|#.*/g, ''));
    try {
      await program.handshake(address);
      await program.envelope(DATA_LANE, 0, { mode: LINK, value: helloBytes(program) });
      await program.envelope(CONTROL_LANE, 0, { mode: LINK, value: helloBytes(program) });
      await program.envelope(DATA_LANE, 1, {
        to: { low: Number(cUid & 0xffffffffn), high: Number(cUid >> 32n), unsigned: true },
        mode: ASK,
        method: 1,
        methodName: 'test.Errands.Run',
        value: Buffer.from([8, 41]),
        control: { correlation: 77, remainingMicroseconds: 5_000_000 },
      });
      let reply: { [name: string]: unknown } | undefined;
      while (reply === undefined)
        reply = (await program.frame()).find(({ mode }) => mode === 'REPLY' || mode === 'FAILURE');
      expect(reply).to.deep.include({ mode: 'REPLY', value: Buffer.from([8, 42, 18, 0]).toString('base64') });
      expect(reply['control']).to.deep.include({ correlation: 77 });
    } finally {
      program.close();
      await executor.stop();
    }
  });
});

function helloBytes(program: PlainProgram): Uint8Array {
  const type = program.type('LinkMessage');
  const hello = { version: 1, address: '', token: 5, incarnation: 7 };
  return type.encode(type.create({ hello })).finish();
}
