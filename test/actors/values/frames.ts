import {
  type AskMethod,
  type BorrowedBytes,
  type ClientStreamMethod,
  Lane,
  type MessageType,
  type Service,
  type StreamMethod,
  type TellMethod,
} from '#src/protocol/index.js';

export interface Frame {
  readonly number: number;
  /** `option (millrace.v1.borrow) = true` */
  readonly pixels: BorrowedBytes;
  /** Bytes without the option. */
  readonly label: Uint8Array;
}

export interface FrameInit {
  readonly number?: number;
  readonly pixels?: Uint8Array;
  readonly label?: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** As `millrace gen` makes it: test/codegen/borrowed.test.ts compares. */
export const Frame: MessageType<Frame, FrameInit> = {
  typeName: 'test.Frame',
  borrows: true,
  create: ({ number = 0, pixels = NOTHING, label = NOTHING } = {}) => ({
    number,
    pixels: pixels as BorrowedBytes,
    label,
  }),
  write: ({ number = 0, pixels = NOTHING, label = NOTHING }, writer) => {
    writer.tag(8).uint32(number).tag(18).blob(pixels).tag(26).blob(label);
  },
  read: (reader, end) => {
    const frame: { number: number; pixels: Uint8Array; label: Uint8Array } = {
      number: 0,
      pixels: NOTHING,
      label: NOTHING,
    };
    while (reader.position < end) {
      const key = reader.tag();
      if (key === 8) frame.number = reader.uint32();
      else if (key === 18) frame.pixels = reader.borrow();
      else if (key === 26) frame.label = reader.blob();
      else reader.skip(key, [1, 2, 3]);
    }
    return Frame.create(frame);
  },
};

type Tell = TellMethod<Frame, FrameInit>;
type Ask = AskMethod<Frame, FrameInit, Frame, FrameInit>;
type List = StreamMethod<Frame, FrameInit, Frame, FrameInit>;
type Load = ClientStreamMethod<Frame, FrameInit, Frame, FrameInit>;

const both = { request: Frame, response: Frame, lane: Lane.data } as const;
const show: Tell = { name: 'show', fullName: 'test.Frames.Show', mode: 'tell', ...both };
const check: Ask = { name: 'check', fullName: 'test.Frames.Check', mode: 'ask', ...both };
const list: List = { name: 'list', fullName: 'test.Frames.List', mode: 'stream', ...both };
const load: Load = { name: 'load', fullName: 'test.Frames.Load', mode: 'ask', ...both, streamsRequests: true };

/** Frames are told, asked, streamed, and streamed as requests. */
export const Frames: Service<{ show: Tell; check: Ask; list: List; load: Load }> = {
  typeName: 'test.Frames',
  methods: { show, check, list, load },
};
