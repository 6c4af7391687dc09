import { crc32 } from 'node:zlib';
import { ProtocolError, ResourceError } from '../../errors.js';
import { decode, encode, v1 } from '../../protocol/index.js';
import type { Entropy } from '../../scheduler/index.js';
import type { Introduction } from '../companion/index.js';
import { ADDRESS_BYTES, Fabric, WIRE_VERSION } from './abi.js';
import { hostIdentity } from './library.js';
import type { Rings } from './rings.js';
import type { Seat } from './seat.js';

const CAPABILITY = 'ucx';

/** What one end tells the other in the hello: how to reach its rings. */
export interface Offer {
  readonly fabric: Fabric;
  readonly host: string;
  readonly address: Uint8Array;
  readonly token: bigint;
  /** major * 65536 + minor * 256 + release */
  readonly ucxVersion: number;
}

/** The peer's offer. ProtocolError where it makes none, or one that makes no sense. Only for a peer that was authenticated. */
export function offerIn({ capabilities }: v1.Introduction): Offer {
  const capability = capabilities.find(({ name }) => name === CAPABILITY);
  if (capability === undefined) throw new ProtocolError('The process there has no ucx transport at this address.');
  if (capability.version !== WIRE_VERSION) {
    throw new ProtocolError(
      `The process there speaks version ${capability.version} on its rings, this one ${WIRE_VERSION}.`,
    );
  }
  const { fabric, host, address, token, checksum, ucxVersion } = decode(v1.UcxOffer, capability.data);
  if (address.length === 0 || address.length > ADDRESS_BYTES) {
    throw new ProtocolError(`A UCX address of ${address.length} bytes makes no sense.`);
  }
  if (crc32(address) !== checksum) throw new ProtocolError('A UCX address came that is not whole.');
  if (fabric !== Fabric.sharedMemory && fabric !== Fabric.tcp)
    throw new ProtocolError(`There is no UCX fabric ${fabric}.`);
  return { fabric, host, address, token, ucxVersion };
}

/** Makes this process's offers, and judges those of others. */
export class Offers {
  readonly #rings: Rings;
  readonly #entropy: Entropy;
  readonly #devices: string | undefined;
  readonly #host = hostIdentity();

  constructor(rings: Rings, entropy: Entropy, interfaces: readonly string[]) {
    this.#rings = rings;
    this.#entropy = entropy;
    this.#devices = interfaces.length === 0 ? undefined : interfaces.join(',');
  }

  /** A place in the rings, and how to reach it. ResourceError where that cannot be had. */
  make(fabric: Fabric): { readonly seat: Seat; readonly offer: Offer } {
    if (fabric === Fabric.tcp && this.#devices === undefined) {
      throw new ResourceError('UCX over TCP is off here: name the interfaces whose users are trusted (ucxInterfaces).');
    }
    const token = new DataView(this.#entropy(8).buffer).getBigUint64(0);
    const seat = this.#rings.open(fabric, this.#devices, token);
    const ucxVersion = this.#rings.shim.ucxVersion();
    return { seat, offer: { fabric, host: this.#host, address: seat.address(), token, ucxVersion } };
  }

  /** ProtocolError when the two cannot be joined. */
  check(theirs: Offer, own: Offer): void {
    if (theirs.fabric !== own.fabric) throw new ProtocolError('The two ends of a UCX link chose different fabrics.');
    if (theirs.ucxVersion >> 8 !== own.ucxVersion >> 8) {
      const [there, here] = [theirs.ucxVersion, own.ucxVersion].map(versionText);
      throw new ProtocolError(`The process there has UCX ${there}, this one ${here}: install the same at both ends.`);
    }
    if (own.fabric === Fabric.sharedMemory && theirs.host !== own.host) {
      throw new ProtocolError(
        'The two processes share no memory: they are on different hosts, or in different namespaces.',
      );
    }
  }

  introduction(address: string, offer: Offer): Introduction {
    const data = encode(v1.UcxOffer, v1.UcxOffer.create({ ...offer, checksum: crc32(offer.address) }));
    return { address, capabilities: [{ name: CAPABILITY, version: WIRE_VERSION, data }] };
  }
}

function versionText(version: number): string {
  return `${version >> 16}.${(version >> 8) & 0xff}`;
}
