/** A message of a program: its value, and the fields of its envelope. */
export type Sample = {
  readonly to: bigint;
  readonly method: number;
  readonly meta?: Readonly<Record<string, string>>;
} & ({ readonly type: 'Blob'; readonly value: BlobValue } | { readonly type: 'Trade'; readonly value: TradeValue });

export interface BlobValue {
  readonly data: Uint8Array;
}

export interface TradeValue {
  readonly symbol: string;
  readonly price: number;
  readonly quantity: number;
  /** Fits into a double, because protobufjs and JSON use doubles. */
  readonly account: bigint;
  readonly venue: string;
  readonly isClosing: boolean;
  readonly change: number;
}

/** A codec for an envelope with its value. Both methods process one sample repeatedly. */
export interface Codec {
  /** Encodes the sample. Returns the number of bytes. */
  readonly encode: () => number;
  /** Decodes the envelope and its value from the bytes of the sample. Returns the value. */
  readonly decode: () => object;
}
