import {
  type BidiStreamMethod,
  type ClientStreamMethod,
  Lane,
  type MessageType,
  type Method,
  type Service,
} from '#src/protocol/index.js';

export interface Errand {
  readonly value: number;
  readonly load: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** A number, and bytes to make it as large as a test wants. */
const Errand: MessageType<Errand, Partial<Errand>> = {
  typeName: 'test.Errand',
  create: ({ value = 0, load = NOTHING } = {}) => ({ value, load }),
  write: ({ value = 0, load = NOTHING }, writer) => {
    writer.tag(8).uint32(value);
    writer.tag(18).blob(load);
  },
  read: (reader, end) => {
    const errand = { value: 0, load: NOTHING };
    while (reader.position < end) {
      const key = reader.tag();
      if (key === 8) errand.value = reader.uint32();
      else if (key === 18) errand.load = new Uint8Array(reader.blob());
      else reader.skip(key, [1, 2]);
    }
    return errand;
  },
};

type Tell = Method<'tell', Errand, Partial<Errand>, Errand, Partial<Errand>>;
type Stream = Method<'stream', Errand, Partial<Errand>, Errand, Partial<Errand>>;
type Ask = Method<'ask', Errand, Partial<Errand>, Errand, Partial<Errand>>;

const shared = { request: Errand, response: Errand };

export const push: Tell = { name: 'push', fullName: 'test.Errands.Push', mode: 'tell', lane: Lane.data, ...shared };
export const urge: Tell = { name: 'urge', fullName: 'test.Errands.Urge', mode: 'tell', lane: Lane.control, ...shared };
export const run: Ask = { name: 'run', fullName: 'test.Errands.Run', mode: 'ask', lane: Lane.data, ...shared };
export const rush: Ask = { name: 'rush', fullName: 'test.Errands.Rush', mode: 'ask', lane: Lane.control, ...shared };

/** A tell and an ask on each lane. */
export const Errands: Service<{ push: Tell; urge: Tell; run: Ask; rush: Ask }> = {
  typeName: 'test.Errands',
  methods: { push, urge, run, rush },
};

/** Another service, for references that are used wrongly. */
export const Chores: Service<{ push: Tell }> = {
  typeName: 'test.Chores',
  methods: { push: { ...push, fullName: 'test.Chores.Push' } },
};

export const list: Stream = { name: 'list', fullName: 'test.Listing.List', mode: 'stream', lane: Lane.data, ...shared };
const pushListing: Tell = { ...push, fullName: 'test.Listing.Push' };
export const runListing: Ask = { ...run, fullName: 'test.Listing.Run' };

/** A stream beside a tell and an ask. */
export const Listing: Service<{ push: Tell; run: Ask; list: Stream }> = {
  typeName: 'test.Listing',
  methods: { push: pushListing, run: runListing, list },
};

type Load = ClientStreamMethod<Errand, Partial<Errand>, Errand, Partial<Errand>>;
type Chat = BidiStreamMethod<Errand, Partial<Errand>, Errand, Partial<Errand>>;
export const runDepot: Ask = { ...run, fullName: 'test.Depot.Run' };

export const load: Load = { ...run, name: 'load', fullName: 'test.Depot.Load', streamsRequests: true };
export const chat: Chat = { ...list, name: 'chat', fullName: 'test.Depot.Chat', streamsRequests: true };

/** The rpcs that stream their requests, beside an ask. */
export const Depot: Service<{ run: Ask; load: Load; chat: Chat }> = {
  typeName: 'test.Depot',
  methods: { run: runDepot, load, chat },
};
