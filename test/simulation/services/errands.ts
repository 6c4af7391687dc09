import { Lane, type MessageType, type Method, Ref, type Service } from '#src/protocol/index.js';

/** What an actor is told or asked, and what it answers. */
export interface Errand {
  readonly number: number;
  /** Asks that may follow from it, one within the other. */
  readonly depth: number;
  /** Whom it is about. */
  readonly peer: Ref | undefined;
}

const NUMBER = 8; // field 1, varint
const DEPTH = 16; // field 2, varint
const PEER = 26; // field 3, length-delimited

/** `message Errand { uint32 number = 1; uint32 depth = 2; millrace.v1.Ref peer = 3; }` */
export const Errand: MessageType<Errand, Partial<Errand>> = {
  typeName: 'simulation.Errand',
  create: ({ number = 0, depth = 0, peer } = {}) => ({ number, depth, peer }),
  write({ number = 0, depth = 0, peer }, writer) {
    if (number !== 0) writer.tag(NUMBER).uint32(number);
    if (depth !== 0) writer.tag(DEPTH).uint32(depth);
    if (peer !== undefined) writer.tag(PEER).message(Ref, peer);
  },
  read(reader, end) {
    let number = 0;
    let depth = 0;
    let peer: Ref | undefined;
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === NUMBER) number = reader.uint32();
      else if (tag === DEPTH) depth = reader.uint32();
      else if (tag === PEER) peer = reader.message(Ref);
      else reader.skip(tag);
    }
    return { number, depth, peer };
  },
};

type Tell = Method<'tell', Errand, Partial<Errand>, Errand, Partial<Errand>>;
type Ask = Method<'ask', Errand, Partial<Errand>, Errand, Partial<Errand>>;

const shared = { request: Errand, response: Errand };

function tell(name: string, rpc: string, lane: Lane = Lane.data): Tell {
  return { name, fullName: `simulation.Errands.${rpc}`, mode: 'tell', lane, ...shared };
}

function ask(name: string, rpc: string, lane: Lane = Lane.data): Ask {
  return { name, fullName: `simulation.Errands.${rpc}`, mode: 'ask', lane, ...shared };
}

const methods = {
  /** Counts `number`. */
  push: tell('push', 'Push'),
  urge: tell('urge', 'Urge', Lane.control),
  /** Answers twice `number`, and asks its peer on the way while there is `depth`. */
  run: ask('run', 'Run'),
  rush: ask('rush', 'Rush', Lane.control),
  /** Answers after `number` ms. */
  ponder: ask('ponder', 'Ponder'),
  /** Answers after `number` ms, and handles others meanwhile. */
  promise: ask('promise', 'Promise'),
  /** Throws. */
  stumble: tell('stumble', 'Stumble'),
  /** Watches the peer. */
  guard: tell('guard', 'Guard'),
  /** Watches the peer no more. */
  leave: tell('leave', 'Leave'),
  /** Starts a child, which ends after `number` ms. */
  raise: tell('raise', 'Raise'),
  /** Ends this actor. */
  end: tell('end', 'End'),
  /** Does to the peer, `number` times, what one actor does to another. */
  bother: tell('bother', 'Bother'),
};

export const Errands: Service<typeof methods> = { typeName: 'simulation.Errands', methods };
