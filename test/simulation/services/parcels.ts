import { Lane, type MessageType, type Method, type Service } from '#src/protocol/index.js';

/** One message of a flow: unique in its run, and of any size. */
export interface Parcel {
  readonly number: number;
  readonly data: Uint8Array;
}

const NUMBER = 8; // field 1, varint
const DATA = 18; // field 2, length-delimited
const NOTHING = new Uint8Array(0);

/** `message Parcel { uint32 number = 1; bytes data = 2; }` */
export const Parcel: MessageType<Parcel, Partial<Parcel>> = {
  typeName: 'simulation.Parcel',
  create: ({ number = 0, data = NOTHING } = {}) => ({ number, data }),
  write({ number = 0, data = NOTHING }, writer) {
    if (number !== 0) writer.tag(NUMBER).uint32(number);
    if (data.length > 0) writer.tag(DATA).blob(data);
  },
  read(reader, end) {
    let number = 0;
    let data: Uint8Array = NOTHING;
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === NUMBER) number = reader.uint32();
      else if (tag === DATA) data = reader.blob();
      else reader.skip(tag);
    }
    return { number, data };
  },
};

type Tell = Method<'tell', Parcel, Partial<Parcel>, Parcel, Partial<Parcel>>;
type Ask = Method<'ask', Parcel, Partial<Parcel>, Parcel, Partial<Parcel>>;

const shared = { request: Parcel, response: Parcel };

const put: Tell = { name: 'put', fullName: 'simulation.Parcels.Put', mode: 'tell', lane: Lane.data, ...shared };
const nudge: Tell = {
  name: 'nudge',
  fullName: 'simulation.Parcels.Nudge',
  mode: 'tell',
  lane: Lane.control,
  ...shared,
};
const end: Tell = { name: 'end', fullName: 'simulation.Parcels.End', mode: 'tell', lane: Lane.data, ...shared };
const weigh: Ask = { name: 'weigh', fullName: 'simulation.Parcels.Weigh', mode: 'ask', lane: Lane.data, ...shared };

const relay: Ask = { name: 'relay', fullName: 'simulation.Parcels.Relay', mode: 'ask', lane: Lane.data, ...shared };

/**
 * `put` and `nudge` are handled as slowly as the actor is; `weigh` answers the number; `relay` lets another actor weigh, whose encoded
 * reference is the data; `end` stops the actor.
 */
const methods = { put, nudge, end, weigh, relay };

export const Parcels: Service<typeof methods> = { typeName: 'simulation.Parcels', methods };
