import type { Duplex } from 'node:stream';
import { ProtocolError } from '../../errors.js';
import type { v1 } from '../../protocol/index.js';
import type { Entropy } from '../../scheduler/index.js';
import { type CompanionAddress, formatAddress, parseAddress } from './address.js';
import { isSameProof, proofOf, type Role } from './proof.js';
import { Records } from './records.js';

/** Versions of what follows the handshake that this build speaks. */
const OLDEST_VERSION = 1;
const NEWEST_VERSION = 1;
const NONCE_BYTES = 32;
/** Characters of a peer's refusal that are passed on. */
const REFUSAL_CHARACTERS = 300;
const NO_BINDING = new Uint8Array(0);

/** What one end says of itself. */
export interface Introduction {
  /** Address on which it listens; empty where it does not. */
  readonly address: string;
  readonly capabilities: readonly v1.CapabilityInit[];
}

/** What both ends know once the handshake is done. */
export interface Acquaintance {
  readonly version: number;
  /** What the other end said of itself. Proved by the key, where there is one. */
  readonly peer: v1.Introduction;
  /** What came behind the handshake. */
  readonly unread: Uint8Array;
}

export interface HandshakeOptions {
  readonly socket: Duplex;
  /** The cluster's; without it the other end is taken at its word. */
  readonly key: string | Uint8Array | undefined;
  readonly entropy: Entropy;
  /** Unique for the channel below and known to both of its ends, where it has such a thing (TLS). */
  readonly binding?: Uint8Array;
}

/** The client's half. ProtocolError for a server that is not what it should be or has refused, UnreachableError when the socket ends. */
export async function greet(
  options: HandshakeOptions & { readonly dialed: string; readonly introduction: Introduction },
): Promise<Acquaintance> {
  const records = new Records(options.socket);
  try {
    records.send({ case: 'opening', value: opening(options) });
    const challenge = await records.receive();
    if (challenge.case !== 'challenge') throw refusalIn(challenge);
    const { version, nonce, isKeyed } = challenge.value;
    checkNonce(nonce);
    if (version < OLDEST_VERSION || version > NEWEST_VERSION) throw new ProtocolError(versions(version, version));
    checkKeyed(isKeyed, options.key);
    introduce(records, options, 'client', options.introduction);
    return { version, peer: await heed(records, options, 'server'), unread: records.detach() };
  } finally {
    records.detach();
  }
}

/** The server's half. `introduce` may use what the client, whose proof was checked by then, has said. Throws as `greet`. */
export async function answer(
  options: HandshakeOptions & {
    readonly own: CompanionAddress;
    readonly introduce: (client: v1.Introduction) => Introduction | Promise<Introduction>;
  },
): Promise<Acquaintance> {
  const records = new Records(options.socket);
  try {
    const message = await records.receive();
    if (message.case !== 'opening') throw refusalIn(message);
    const version = agree(message.value, options);
    const value = { version, nonce: options.entropy(NONCE_BYTES), isKeyed: options.key !== undefined };
    records.send({ case: 'challenge', value });
    const peer = await heed(records, options, 'client');
    introduce(records, options, 'server', await options.introduce(peer));
    return { version, peer, unread: records.detach() };
  } catch (error) {
    if (error instanceof ProtocolError) records.send({ case: 'refusal', value: { message: error.message } });
    throw error;
  } finally {
    records.detach();
  }
}

function opening({ entropy, dialed, key }: HandshakeOptions & { readonly dialed: string }): v1.OpeningInit {
  return {
    oldestVersion: OLDEST_VERSION,
    newestVersion: NEWEST_VERSION,
    nonce: entropy(NONCE_BYTES),
    address: dialed,
    isKeyed: key !== undefined,
  };
}

/** The version to speak with this client. */
function agree(client: v1.Opening, { own, key }: HandshakeOptions & { readonly own: CompanionAddress }): number {
  const { oldestVersion, newestVersion, nonce, address, isKeyed } = client;
  const version = Math.min(newestVersion, NEWEST_VERSION);
  if (version < Math.max(oldestVersion, OLDEST_VERSION)) {
    throw new ProtocolError(versions(oldestVersion, newestVersion));
  }
  checkNonce(nonce);
  const dialed = parseAddress(address);
  if (dialed === undefined || dialed.scheme !== own.scheme) {
    throw new ProtocolError(`${own.scheme} is spoken here, and another address was dialed.`);
  }
  if (dialed.instance !== '' && dialed.instance !== own.instance) {
    throw new ProtocolError(
      `The process that listened there is gone: another listens at ${formatAddress({ ...own, instance: '' })}.`,
    );
  }
  checkKeyed(isKeyed, key);
  return version;
}

function introduce(records: Records, options: HandshakeOptions, role: Role, introduction: Introduction): void {
  records.send({ case: 'introduction', value: introduction });
  if (options.key === undefined) return;
  const mac = proofOf(options.key, role, records.transcript, options.binding ?? NO_BINDING);
  records.send({ case: 'proof', value: { mac } });
}

/** Reads who the other end, which has `role`, is, and checks its proof. */
async function heed(records: Records, options: HandshakeOptions, role: Role): Promise<v1.Introduction> {
  const introduction = await records.receive();
  if (introduction.case !== 'introduction') throw refusalIn(introduction);
  if (options.key === undefined) return introduction.value;
  const expected = proofOf(options.key, role, records.transcript, options.binding ?? NO_BINDING);
  const proof = await records.receive();
  if (proof.case !== 'proof') throw refusalIn(proof);
  if (!isSameProof(proof.value.mac, expected)) throw new ProtocolError('The two ends have different cluster keys.');
  return introduction.value;
}

function checkNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) {
    throw new ProtocolError(`A nonce has ${NONCE_BYTES} bytes; this one has ${nonce.length}.`);
  }
}

function checkKeyed(isPeerKeyed: boolean, key: string | Uint8Array | undefined): void {
  if (isPeerKeyed === (key !== undefined)) return;
  throw new ProtocolError('One end has a cluster key and the other has none: give both the same.');
}

function versions(oldest: number, newest: number): string {
  const theirs = oldest === newest ? `${oldest}` : `${oldest} to ${newest}`;
  return `One end speaks version ${theirs} of links, the other ${OLDEST_VERSION} to ${NEWEST_VERSION}.`;
}

function refusalIn(message: v1.Handshake['message']): ProtocolError {
  if (message.case !== 'refusal') return new ProtocolError('The hello came in a wrong order.');
  const text = message.value.message.slice(0, REFUSAL_CHARACTERS).replaceAll(/\p{C}/gu, ' ');
  return new ProtocolError(`refused: ${text}`);
}
