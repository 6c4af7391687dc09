import { isDeepStrictEqual } from 'node:util';
import { ProtocolError } from '#src/errors.js';
import {
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  lowerRemaining,
  readDelimitedEnvelope,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';
import { holds, type Target } from '../target.js';

/** A frame of envelopes, as a router reads it: what is malformed is skipped, and the frame ends. */
export const envelopes: Target = {
  seeds: () => [frameOf(plain), frameOf(plain, full), frameOf(failure, full, plain)],
  words: [Uint8Array.of(0x52), Uint8Array.of(0x42, 4, 0x0a, 0, 0x12, 0)],
  feed: (bytes) => {
    const reader = new WireReader(bytes);
    // One view for all, as a router has it: nothing of one envelope may be seen in the next.
    const view = new EnvelopeView();
    for (let read = 0; ; read++) {
      holds(read <= bytes.length, 'reading does not advance');
      const before = reader.position;
      try {
        if (!readDelimitedEnvelope(reader, view)) return;
        checkEnvelope(bytes, before, view);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
      holds(reader.position > before, 'reading does not advance');
    }
  },
};

function checkEnvelope(bytes: Uint8Array, start: number, view: EnvelopeView): void {
  holds(view.valueStart <= view.valueEnd && view.valueEnd <= bytes.length, 'the value lies outside of its frame');
  const fresh = new EnvelopeView();
  readDelimitedEnvelope(new WireReader(bytes, start), fresh);
  holds(isDeepStrictEqual(fieldsOf(fresh), fieldsOf(view)), 'a view shows something of the envelope before');
  const written = frameOf((header) => {
    for (const name of NAMES) Reflect.set(header, name, view[name]);
  });
  const again = new EnvelopeView();
  readDelimitedEnvelope(new WireReader(written), again);
  const read = fieldsOf(again);
  holds(isDeepStrictEqual(read, fieldsOf(view)), `written and read again it is ${JSON.stringify(read, text)}`);
  // In place, as a queued ask is changed. It is refused where there is no deadline.
  lowerRemaining(written, 0, written.length, 1, 1);
}

const SIZES: readonly string[] = ['valueBytes', 'sizeBytes'];
const ALL = new EnvelopeHeader();
/** Without sizes: they are measured, and headers are written here without a value. */
const NAMES = Object.keys(ALL).filter((name): name is keyof EnvelopeHeader => name in ALL && !SIZES.includes(name));
const IDS: readonly string[] = ['toLow', 'toHigh', 'fromLow', 'fromHigh'];

/** The fields of a header. Ids are signed or unsigned, an empty meta is none, and time is rounded down. */
function fieldsOf(header: EnvelopeHeader): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    NAMES.map((name) => {
      const value = header[name];
      if (name === 'meta') return [name, { ...header.meta }];
      if (name === 'remainingMicroseconds') return [name, Math.floor(header.remainingMicroseconds)];
      return [name, IDS.includes(name) && typeof value === 'number' ? value | 0 : value];
    }),
  );
}

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

type Fill = (header: EnvelopeHeader) => void;

function frameOf(...fills: readonly Fill[]): Uint8Array {
  const writer = new WireWriter(new Uint8Array(64 * 1_024));
  for (const fill of fills) {
    const header = new EnvelopeHeader();
    fill(header);
    writeDelimitedEnvelope(writer, header, undefined, undefined);
  }
  return writer.bytes.slice(0, writer.position);
}

function plain(header: EnvelopeHeader): void {
  Object.assign(header, { hasTo: true, toLow: 7, method: 1, methodName: 'test.Errands.Push' });
}

function full(header: EnvelopeHeader): void {
  plain(header);
  Object.assign(header, { hasFrom: true, fromLow: 9, fromHigh: 1, mode: EnvelopeMode.open, correlation: 5 });
  Object.assign(header, { remainingMicroseconds: 1_000, chain: [1n, 2n], hops: 3, credit: 16, sequence: 4 });
  Object.assign(header, { meta: { tenant: 'a', trace: 'b' }, passThrough: Uint8Array.of(1, 2, 3) });
  Object.assign(header, { traceParent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, traceState: 'x=y' });
}

function failure(header: EnvelopeHeader): void {
  Object.assign(header, { mode: EnvelopeMode.failure, correlation: 5 });
  header.error = { code: 'HANDLER', message: 'no', handlerCode: 'E1' };
}
