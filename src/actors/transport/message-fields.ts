import type { v1 } from '../../protocol/index.js';

/** One life of a partition. */
export type PeerLife = Pick<v1.PeerId, 'ordinal' | 'incarnation'>;

/** The large fields of a message that is sent, in memory that its receiver can read. */
export interface StoredFields extends Disposable {
  /** In the order in which they were given. */
  readonly bytes: readonly Uint8Array[];
  /**
   * What a peer is sent of them; it holds them from now on. `origin` says what sends them. `freed` is called once, when it holds them no more. Throws UnreachableError for a peer
   * that has ended, and StoppedError when this partition has stopped.
   */
  describe(to: PeerLife, origin: string, freed: () => void): v1.RemoteDescriptor;
}

/** The large fields of a message that has arrived. They are held until this is disposed. */
export interface ReceivedFields extends Disposable {
  readonly count: number;
  readonly sizeBytes: number;
  /** Their bytes, in place where the memory can be mapped. Rejects with UnreachableError when they are gone. */
  open(): Promise<readonly Uint8Array[]>;
}

/** Carries the large fields of messages beside their frames. The runtime gives it to the router. */
export interface MessageFields {
  /** Bytes of the pool that nobody holds. */
  readonly freeBytes: number;
  /** Undefined while there is no memory for them. Throws ResourceError for what will never fit. */
  storeNow(fields: readonly Uint8Array[]): StoredFields | undefined;
  /** Waits for memory. Rejects with ResourceError when there is none in time. */
  store(fields: readonly Uint8Array[]): Promise<StoredFields>;
  /** A description was not sent. */
  unsent(description: v1.RemoteDescriptor, to: PeerLife): void;
  /** These descriptions were sent, and may have been lost with their link. */
  settle(descriptions: readonly v1.RemoteDescriptor[], to: PeerLife): void;
  /** Throws ProtocolError for what cannot be, and UnreachableError where the owner has ended. */
  receive(from: PeerLife, description: v1.RemoteDescriptor): ReceivedFields;
}
