/** A message as a program has it: its value, and what its envelope says. */
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
  /** Fits into a double, as protobufjs and JSON have it. */
  readonly account: bigint;
  readonly venue: string;
  readonly isClosing: boolean;
  readonly change: number;
}

/** One way to turn an envelope with its value into bytes and back. Both work on one sample, again and again. */
export interface Codec {
  /** Encodes the sample; gives the number of bytes. */
  readonly encode: () => number;
  /** Decodes the envelope and its value from the bytes of the sample; gives the value. */
  readonly decode: () => object;
}
