import { Duplex } from 'node:stream';
import { encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { parseAddress } from '#src/socket-address.js';
import { initiate, respond } from '#src/transport/handshake/handshake.js';
import { Fabric, WIRE_VERSION } from '#src/transport/ucx/abi.js';
import { offerFrom } from '#src/transport/ucx/offer.js';
import { hello, record } from '../../../transport/handshake/meeting.js';
import { holds, type Target } from '../target.js';

const NONCE = new Uint8Array(32).fill(7);
const ADDRESS = 'tcp://127.0.0.1:7000';
const KEYS = [undefined, 'a key of more than 16 bytes'] as const;
/** What one end may write before it knows who the other is, in bytes. */
const MOST_WRITTEN = 4_096;

/**
 * The records of a handshake, as a stranger sends them to a server or a client. The first byte chooses which, whether there is a key, and
 * in which pieces they arrive. Without a key the hello is believed, and its ring offer is read.
 */
export const handshake: Target = {
  seeds: () => {
    const server = [...record({ case: 'opening', value: opening(false) }), ...record({ case: 'hello', value: peer() })];
    const keyed = record({ case: 'opening', value: opening(true) });
    const client = [
      ...record({ case: 'challenge', value: { version: 1, nonce: NONCE, isKeyed: false } }),
      ...record({ case: 'hello', value: peer() }),
    ];
    const proof = record({ case: 'proof', value: { mac: NONCE } });
    return [
      Uint8Array.from([0, ...server]),
      Uint8Array.from([1, ...client]),
      Uint8Array.from([2, ...keyed, ...record({ case: 'hello', value: peer() }), ...proof]),
      Uint8Array.from([5, ...record({ case: 'rejection', value: { message: 'no' } })]),
    ];
  },
  words: ['mr', 'ucx', ADDRESS],
  feed: async (bytes) => {
    const choice = bytes[0] ?? 0;
    const socket = new Wire(bytes.subarray(1), (choice & 4) === 0 ? 5 : 4_096);
    const options = { socket, key: KEYS[(choice >> 1) & 1], entropy: () => NONCE };
    const own = parseAddress(ADDRESS);
    if (own === undefined) throw new RangeError(ADDRESS);
    const result = await ((choice & 1) === 0
      ? respond({ ...options, own, opened: () => true, makeHello: () => hello('server') })
      : initiate({ ...options, dialed: ADDRESS, hello: hello('client') })
    ).finally(() => {
      holds(socket.written <= MOST_WRITTEN, `a stranger made this end write ${socket.written} bytes`);
      socket.destroy();
    });
    holds(options.key === undefined, 'a stranger without the key was let in');
    parseAddress(result.peer.address);
    offerFrom(result.peer);
  },
};

function opening(isKeyed: boolean): v1.OpeningInit {
  return { oldestVersion: 1, newestVersion: 1, nonce: NONCE, address: ADDRESS, isKeyed };
}

function peer(): v1.PeerHelloInit {
  const offer = {
    fabric: Fabric.sharedMemory,
    host: 'host',
    address: Uint8Array.of(1, 2, 3),
    token: 5n,
    ucxVersion: 1,
  };
  const data = encode(v1.UcxOffer, v1.UcxOffer.create({ ...offer, checksum: 0x55bc801d }));
  return { address: ADDRESS, capabilities: [{ name: 'ucx', version: WIRE_VERSION, data }] };
}

/** A socket whose other end has sent these bytes and closed. */
class Wire extends Duplex {
  written = 0;
  readonly #bytes: Uint8Array;
  readonly #pieceBytes: number;
  #sent = 0;

  constructor(bytes: Uint8Array, pieceBytes: number) {
    super();
    this.#bytes = bytes;
    this.#pieceBytes = pieceBytes;
  }

  override _read(): void {
    const piece = this.#bytes.subarray(this.#sent, this.#sent + this.#pieceBytes);
    this.#sent += piece.length;
    this.push(piece.length === 0 ? null : Buffer.from(piece));
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.length;
    done();
  }
}
