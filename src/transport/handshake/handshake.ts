import type { Duplex } from 'node:stream';
import { type MillraceError, ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/on-demand/index.js';
import type { Entropy } from '../../scheduler/index.js';
import { type SocketAddress, formatAddress, parseAddress } from '../../socket-address.js';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Records } from './records.js';

/** Versions of the link protocol after the handshake that this build supports. */
const OLDEST_VERSION = 1;
const NEWEST_VERSION = 1;
const NONCE_BYTES = 32;
/** Longest part of a peer's rejection that goes into our error message. */
const REJECTION_CHARACTERS = 300;
const NO_BINDING = new Uint8Array(0);

/** Who proves that it has the key. The client does so twice: with its opening, before the server keeps anything, and after the challenge. */
type Role = 'opening' | 'client' | 'server';

/** What one end tells the other about itself. */
export interface Hello {
  /** The address on which it listens. Empty if it does not listen. */
  readonly address: string;
  readonly capabilities: readonly v1.CapabilityInit[];
}

/** The result of a handshake, for either end. */
export interface HandshakeResult {
  readonly version: number;
  /** The hello of the other end. Authenticated if there is a cluster key. */
  readonly peer: v1.PeerHello;
  /** Bytes that arrived after the handshake. */
  readonly unread: Uint8Array;
}

export interface HandshakeOptions {
  readonly socket: Duplex;
  /** The cluster key. Without it the other end is not authenticated. */
  readonly key: string | Uint8Array | undefined;
  readonly entropy: Entropy;
  /** Channel binding: unique for this TLS connection, and known to both its ends. Absent without TLS. */
  readonly binding?: Uint8Array;
}

/**
 * The client side. Rejects with ProtocolError for a server that fails the handshake or rejects us, and with UnreachableError when the socket ends, or when
 * the server is another process than the one that was dialed (`isRefused`).
 */
export async function initiate(
  options: HandshakeOptions & { readonly dialed: string; readonly hello: Hello },
): Promise<HandshakeResult> {
  const records = new Records(options.socket);
  try {
    records.send({ case: 'opening', value: opening(options) });
    sendProof(records, options, 'opening');
    const challenge = await records.receive();
    if (challenge.case !== 'challenge') throw rejectionFrom(challenge);
    const { version, nonce, isKeyed } = challenge.value;
    checkNonce(nonce);
    if (version < OLDEST_VERSION || version > NEWEST_VERSION)
      throw new ProtocolError(versionMismatch(version, version));
    checkKeyed(isKeyed, options.key);
    sendHello(records, options, 'client', options.hello);
    return { version, peer: await verify(records, options, 'server'), unread: records.detach() };
  } finally {
    records.detach();
  }
}

/**
 * The server side. It calls `opened` after the client's opening was verified, and `makeHello` after its hello was. Rejects like `initiate`.
 */
export async function respond(
  options: HandshakeOptions & {
    readonly own: SocketAddress;
    /** Returns false if another handshake with this nonce is in progress. */
    readonly opened: (nonce: Uint8Array) => boolean;
    readonly makeHello: (client: v1.PeerHello) => Hello | Promise<Hello>;
  },
): Promise<HandshakeResult> {
  const records = new Records(options.socket);
  try {
    const message = await records.receive(limits.openingRecordBytes);
    if (message.case !== 'opening') throw rejectionFrom(message);
    const version = chooseVersion(message.value, options);
    await verifyProof(records, options, 'opening');
    if (!options.opened(message.value.nonce)) {
      throw new ProtocolError('Another handshake with this nonce is in progress: this is a recording.');
    }
    const value = { version, nonce: options.entropy(NONCE_BYTES), isKeyed: options.key !== undefined };
    records.send({ case: 'challenge', value });
    const peer = await verify(records, options, 'client');
    sendHello(records, options, 'server', await options.makeHello(peer));
    return { version, peer, unread: records.detach() };
  } catch (error) {
    if (isAnswered(error)) {
      const hasExited = error instanceof UnreachableError;
      records.send({ case: 'rejection', value: { message: error.message, hasExited } });
    }
    throw error;
  } finally {
    records.detach();
  }
}

/** `respond` has sent this error to the client before it has rejected with it. */
export function isAnswered(error: unknown): error is ProtocolError | UnreachableError {
  return error instanceof ProtocolError || (error instanceof UnreachableError && error.isRefused);
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

/** Checks the client's opening, and returns the version for this connection. */
function chooseVersion(client: v1.Opening, { own, key }: HandshakeOptions & { readonly own: SocketAddress }): number {
  const { oldestVersion, newestVersion, nonce, address, isKeyed } = client;
  const version = Math.min(newestVersion, NEWEST_VERSION);
  if (version < Math.max(oldestVersion, OLDEST_VERSION)) {
    throw new ProtocolError(versionMismatch(oldestVersion, newestVersion));
  }
  checkNonce(nonce);
  const dialed = parseAddress(address);
  if (dialed === undefined || dialed.scheme !== own.scheme) {
    throw new ProtocolError(`This process listens with ${own.scheme}; the client dialed an address of another kind.`);
  }
  if (dialed.instance !== '' && dialed.instance !== own.instance) {
    throw new UnreachableError(
      `The dialed process has exited: another process now listens at ${formatAddress({ ...own, instance: '' })}.`,
      { isRefused: true },
    );
  }
  checkKeyed(isKeyed, key);
  return version;
}

function sendHello(records: Records, options: HandshakeOptions, role: Role, hello: Hello): void {
  records.send({ case: 'hello', value: hello });
  sendProof(records, options, role);
}

/** Sends nothing without a cluster key. */
function sendProof(records: Records, options: HandshakeOptions, role: Role): void {
  if (options.key === undefined) return;
  const mac = proofOf(options.key, role, records.transcript, options.binding ?? NO_BINDING);
  records.send({ case: 'proof', value: { mac } });
}

/** Receives the hello of the other end, which has `role`, and verifies its proof. */
async function verify(records: Records, options: HandshakeOptions, role: Role): Promise<v1.PeerHello> {
  const hello = await records.receive();
  if (hello.case !== 'hello') throw rejectionFrom(hello);
  await verifyProof(records, options, role);
  return hello.value;
}

/** Throws ProtocolError if the next record does not prove that the other end has the key. Receives nothing without a cluster key. */
async function verifyProof(records: Records, options: HandshakeOptions, role: Role): Promise<void> {
  if (options.key === undefined) return;
  const expected = proofOf(options.key, role, records.transcript, options.binding ?? NO_BINDING);
  const proof = await records.receive();
  if (proof.case !== 'proof') throw rejectionFrom(proof);
  if (!isSameProof(proof.value.mac, expected))
    throw new ProtocolError('The two ends have different cluster keys: give both the same key.');
}

/**
 * Proves that its sender has the key and has seen the same records. The role prevents an attack that sends an end its own proof back.
 * The channel binding prevents the use of the proof on another TLS connection.
 */
function proofOf(key: string | Uint8Array, role: Role, transcript: Uint8Array, binding: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(`millrace ${role} proof\n`).update(transcript).update(binding).digest();
}

/** Compares in constant time if the lengths are equal. */
function isSameProof(proof: Uint8Array, expected: Uint8Array): boolean {
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

function checkNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) {
    throw new ProtocolError(`A nonce must have ${NONCE_BYTES} bytes; the peer sent ${nonce.length}.`);
  }
}

function checkKeyed(isPeerKeyed: boolean, key: string | Uint8Array | undefined): void {
  if (isPeerKeyed === (key !== undefined)) return;
  throw new ProtocolError('One end has a cluster key and the other has none: give both the same key.');
}

function versionMismatch(oldest: number, newest: number): string {
  const theirs = oldest === newest ? `${oldest}` : `${oldest} to ${newest}`;
  return `The peer supports link protocol version ${theirs}, this process ${OLDEST_VERSION} to ${NEWEST_VERSION}.`;
}

function rejectionFrom(message: v1.Handshake['message']): MillraceError {
  if (message.case !== 'rejection')
    return new ProtocolError('The peer sent its handshake messages in the wrong order.');
  const text = message.value.message.slice(0, REJECTION_CHARACTERS).replaceAll(/\p{C}/gu, ' ');
  const why = `the peer rejected us: ${text}`;
  return message.value.hasExited ? new UnreachableError(why, { isRefused: true }) : new ProtocolError(why);
}
