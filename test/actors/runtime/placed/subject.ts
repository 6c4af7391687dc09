/** The service of the actors of these tests, and what a test sees of such an actor. */
import {
  type ActorRef,
  type Behavior,
  behavior,
  type BehaviorOptions,
  type Context,
  type Handlers,
  type Terminated,
} from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { ProtocolError } from '#src/errors.js';
import { Lane, type MessageType, type Service } from '#src/protocol/index.js';

export interface Note {
  readonly value: number;
  readonly text: string;
}

const VALUE = 8; // field 1, varint
const TEXT = 18; // field 2, length-delimited

/** `message Note { uint32 value = 1; string text = 2; }` */
export const Note: MessageType<Note, Partial<Note>> = {
  typeName: 'test.Note',
  create: ({ value = 0, text = '' } = {}) => {
    if (typeof value !== 'number') throw new ProtocolError('The value of a test.Note must be a number.');
    return { value, text };
  },
  write({ value = 0, text = '' }, writer) {
    if (value !== 0) writer.tag(VALUE).uint32(value);
    if (text !== '') writer.tag(TEXT).string(text);
  },
  read(reader, end) {
    let [value, text] = [0, ''];
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === VALUE) value = reader.uint32();
      else if (tag === TEXT) text = reader.string();
      else reader.skip(tag);
    }
    return { value, text };
  },
};

const shared = { request: Note, response: Note, lane: Lane.data };
const named = (name: string) => ({
  name,
  fullName: `test.Subject.${name[0]?.toUpperCase()}${name.slice(1)}`,
  ...shared,
});

/** One rpc of each mode, and a tell on the control lane. */
export const Subject = {
  typeName: 'test.Subject',
  methods: {
    tell: { ...named('tell'), mode: 'tell' },
    urge: { ...named('urge'), mode: 'tell', lane: Lane.control },
    ask: { ...named('ask'), mode: 'ask' },
    list: { ...named('list'), mode: 'stream' },
    load: { ...named('load'), mode: 'ask', streamsRequests: true },
    chat: { ...named('chat'), mode: 'stream', streamsRequests: true },
  },
} as const satisfies Service;

type Definition<State> = BehaviorOptions<State, ActorRef<typeof Subject>> & Partial<Handlers<typeof Subject, State>>;

/** Forgets tells, answers asks with what they ask, counts up to a value, and adds up or doubles what is loaded. */
export const PLAIN: Handlers<typeof Subject, unknown> = {
  tell: () => {},
  urge: () => {},
  ask: (_state, { value, text }) => ({ value, text }),
  list: async function* (_state, { value }) {
    for (let next = 0; next < value; next++) yield { value: next };
  },
  load: async (_state, requests) => {
    let sum = 0;
    for await (const { value } of requests) sum += value;
    return { value: sum };
  },
  chat: async function* (_state, requests) {
    for await (const { value } of requests) yield { value: value * 2 };
  },
};

/** An actor with these handlers, and the plain ones apart from them. */
export function subject<State = undefined>(definition: Definition<State> = {}): Behavior<typeof Subject, State> {
  return behavior<typeof Subject, State>(Subject, { ...PLAIN, ...definition });
}

/** Tells the test something, wherever the actor is. */
export type Report = (context: Pick<Context, 'ref'>, text: string | number) => void;

/** An actor, wherever it is, as its test sees it. */
export interface Stage {
  readonly ref: ActorRef<typeof Subject>;
  readonly runtime: Runtime;
  /** Resolves when the actor has reported this and nothing else, separated by spaces. */
  readonly reported: (text: string) => Promise<void>;
  /** What it has reported so far. */
  readonly reports: readonly string[];
  /** How the actor ends. */
  readonly end: () => Promise<Terminated>;
}

export interface Case {
  /** A sentence that begins with `an actor`. */
  readonly title: string;
  /** Called where the actor is. */
  make(report: Report): Behavior<typeof Subject, unknown>;
  /** Called where the test is. */
  check(stage: Stage): Promise<unknown>;
}
