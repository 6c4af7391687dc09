/** A name server as Kubernetes has: a headless service has the addresses of all its pods, and each pod a name below it. */
import { createSocket, type Socket } from 'node:dgram';

const HEADER_BYTES = 12;
const TYPE_A = 1;
const CLASS_IN = 1;
const NO_SUCH_NAME = 3;

export class NameServer {
  readonly #socket: Socket = createSocket('udp4');
  readonly #addresses = new Map<string, readonly string[]>();
  /** Names that were asked for. */
  readonly asked = new Set<string>();

  /** Resolves when it answers at the port of name servers, which root alone can open. */
  async listen(address: string): Promise<void> {
    this.#socket.on('message', (query, { port, address: from }) => {
      this.#socket.send(this.#answer(query), port, from);
    });
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(53, address, resolve);
    });
  }

  set(name: string, addresses: readonly string[]): void {
    this.#addresses.set(name, addresses);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => void this.#socket.close(resolve));
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    this.asked.add(name);
    const known = this.#addresses.get(name);
    const found = type === TYPE_A ? (known ?? []) : [];
    const header = Buffer.from(query.subarray(0, HEADER_BYTES));
    // A response, with authority; and recursion where it was wanted.
    header.writeUInt16BE(0x8480 | (header.readUInt16BE(2) & 0x0100) | (known === undefined ? NO_SUCH_NAME : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, query.subarray(HEADER_BYTES, at + 5), ...found.map(record)]);
  }
}

/** Names the question, and may be kept for no time. */
function record(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  bytes.writeUInt16BE(TYPE_A, 2);
  bytes.writeUInt16BE(CLASS_IN, 4);
  bytes.writeUInt32BE(0, 6);
  bytes.writeUInt16BE(4, 10);
  bytes.set(address.split('.').map(Number), 12);
  return bytes;
}
