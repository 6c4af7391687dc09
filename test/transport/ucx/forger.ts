import { crc32 } from 'node:zlib';
import { silentLogger } from '#src/logging/index.js';
import { encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { RealScheduler, systemEntropy } from '#src/scheduler/index.js';
import { Dial } from '#src/transport/handshake/dial.js';
import type { HandshakeSettings, Hello, PeerConnection } from '#src/transport/handshake/index.js';
import { ConnectionListener } from '#src/transport/handshake/listener.js';
import { Fabric } from '#src/transport/ucx/abi.js';
import { UcxLibrary } from '#src/transport/ucx/index.js';
import { hostIdentity } from '#src/transport/ucx/library.js';
import { parseWorkerAddress } from '#src/transport/ucx/worker-address.js';
import { Rings } from '#src/transport/ucx/rings.js';

export const KEY = 'a secret of all processes of this cluster';

/** Where the number of its segment is in a genuine address of shared memory: the PID namespace may follow it. */
export function segmentAt(address: Uint8Array): number {
  const [device] = parseWorkerAddress(address).devices;
  return address.length - (device?.face.length ?? 0);
}

/** A peer that holds the key, and sends whatever UCX addresses it likes. It has workers of its own, whose addresses it can change. */
export class Forger {
  readonly #rings = new Rings(new UcxLibrary().load());
  #listener: ConnectionListener | undefined;

  /** The address of a new worker of this process. */
  genuine(fabric: Fabric = Fabric.sharedMemory): Uint8Array {
    return this.#rings.open(fabric, fabric === Fabric.tcp ? 'lo' : undefined, 1n).address();
  }

  /** A hello with this address, which is right in everything else. */
  hello(address: Uint8Array, fabric: Fabric = Fabric.sharedMemory): Hello {
    const ucxVersion = this.#rings.shim.ucxVersion();
    const offer = { fabric, host: hostIdentity(), ucxVersion, address, token: 1n, checksum: crc32(address) };
    const data = encode(v1.UcxOffer, v1.UcxOffer.create(offer));
    return { address: '', capabilities: [{ name: 'ucx', version: 3, data }] };
  }

  /** Runs the handshake with this hello. Rejects with UnreachableError if the listener refuses it. */
  dial(address: string, makeHello: () => Hello): Promise<PeerConnection> {
    return new Dial(address.replace('ucx+', ''), this.#settings(makeHello), { timeoutMs: 20_000 }).connect();
  }

  /** Listens, answers every handshake with this hello, and ends the connection. Resolves to the address. */
  async listen(makeHello: () => Hello): Promise<string> {
    this.#listener = new ConnectionListener(
      this.#settings(makeHello),
      {},
      ({ socket }) => void socket.end(() => socket.destroy()),
    );
    return `ucx+${await this.#listener.open()}`;
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    this.#rings.close();
  }

  #settings(makeHello: () => Hello): HandshakeSettings {
    const security = { key: KEY };
    return { scheduler: new RealScheduler(), log: silentLogger, entropy: systemEntropy, security, makeHello };
  }
}
