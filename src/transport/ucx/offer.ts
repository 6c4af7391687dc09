import { crc32 } from 'node:zlib';
import { ProtocolError, ResourceError } from '../../errors.js';
import { decode, encode } from '../../protocol/index.js';
import { v1 } from '../../protocol/on-demand/index.js';
import { AddressTemplate } from './address-template.js';
import { peerProcessOf } from './peer-process.js';
import type { Entropy } from '../../scheduler/index.js';
import type { ConnectionSocket, Hello } from '../handshake/index.js';
import { ADDRESS_BYTES, Fabric, WIRE_VERSION } from './abi.js';
import { hostIdentity } from './library.js';
import type { Rings } from './rings.js';
import type { RingEndpoint } from './ring-endpoint.js';

const CAPABILITY = 'ucx';

/** How the peer reaches the rings of this end. Exchanged in the handshake. */
export interface Offer {
  readonly fabric: Fabric;
  readonly host: string;
  readonly address: Uint8Array;
  readonly token: bigint;
  /** major * 65536 + minor * 256 + release */
  readonly ucxVersion: number;
}

/** Reads the offer of an authenticated peer. Throws ProtocolError if there is none, or it is invalid. */
export function offerFrom({ capabilities }: v1.PeerHello): Offer {
  const capability = capabilities.find(({ name }) => name === CAPABILITY);
  if (capability === undefined) throw new ProtocolError('The process at this address has no ucx transport.');
  if (capability.version !== WIRE_VERSION) {
    throw new ProtocolError(
      `The peer's rings have protocol version ${capability.version}, ours ${WIRE_VERSION}: run the same release at both ends.`,
    );
  }
  const { fabric, host, address, token, checksum, ucxVersion } = decode(v1.UcxOffer, capability.data);
  if (address.length === 0 || address.length > ADDRESS_BYTES) {
    throw new ProtocolError(
      `The peer sent a UCX address of ${address.length} bytes; allowed are 1 to ${ADDRESS_BYTES}.`,
    );
  }
  if (crc32(address) !== checksum) throw new ProtocolError('The peer sent a UCX address with a wrong checksum.');
  if (fabric !== Fabric.sharedMemory && fabric !== Fabric.tcp)
    throw new ProtocolError(`The peer asked for the unknown UCX fabric ${fabric}.`);
  return { fabric, host, address, token, ucxVersion };
}

/** Makes the offers of this process, and checks those of peers. */
export class Offers {
  readonly #rings: Rings;
  readonly #entropy: Entropy;
  readonly #devices: string | undefined;
  readonly #host = hostIdentity();
  /** Made from an address of this process when the first peer sends one. */
  readonly #templates = new Map<Fabric, AddressTemplate>();

  constructor(rings: Rings, entropy: Entropy, interfaces: readonly string[]) {
    this.#rings = rings;
    this.#entropy = entropy;
    this.#devices = interfaces.length === 0 ? undefined : interfaces.join(',');
  }

  /** Opens a ring endpoint, and makes the offer for it. Throws ResourceError if it cannot be opened. */
  make(fabric: Fabric): { readonly endpoint: RingEndpoint; readonly offer: Offer } {
    if (fabric === Fabric.tcp && this.#devices === undefined) {
      throw new ResourceError(
        'UCX over TCP is off: set ucxInterfaces to the network interfaces whose users you trust.',
      );
    }
    const token = new DataView(this.#entropy(8).buffer).getBigUint64(0);
    const endpoint = this.#rings.open(fabric, this.#devices, token);
    const ucxVersion = this.#rings.shim.ucxVersion();
    return { endpoint, offer: { fabric, host: this.#host, address: endpoint.address(), token, ucxVersion } };
  }

  /**
   * Checks the offer of the peer at the other end of `socket`, and returns the address for UCX. Throws ProtocolError if the two ends cannot
   * be connected, ResourceError if no ring endpoint can be opened here.
   */
  admit(theirs: Offer, socket: ConnectionSocket): Uint8Array {
    const { fabric, ucxVersion, host, address } = theirs;
    const { shim } = this.#rings;
    if (ucxVersion >> 8 !== shim.ucxVersion() >> 8) {
      const [there, here] = [ucxVersion, shim.ucxVersion()].map(versionText);
      throw new ProtocolError(
        `The peer has UCX ${there}, this process ${here}: install the same version at both ends.`,
      );
    }
    if (fabric === Fabric.sharedMemory && host !== this.#host) {
      throw new ProtocolError(
        'The two processes cannot share memory: they are on different hosts, or in different namespaces.',
      );
    }
    return this.#template(fabric).fill(address, peerProcessOf(socket, shim));
  }

  #template(fabric: Fabric): AddressTemplate {
    const known = this.#templates.get(fabric);
    if (known !== undefined) return known;
    const { endpoint, offer } = this.make(fabric);
    try {
      const template = new AddressTemplate(fabric, offer.address);
      this.#templates.set(fabric, template);
      return template;
    } finally {
      endpoint.close();
    }
  }

  hello(address: string, offer: Offer): Hello {
    const data = encode(v1.UcxOffer, v1.UcxOffer.create({ ...offer, checksum: crc32(offer.address) }));
    return { address, capabilities: [{ name: CAPABILITY, version: WIRE_VERSION, data }] };
  }
}

function versionText(version: number): string {
  return `${version >> 16}.${(version >> 8) & 0xff}`;
}
