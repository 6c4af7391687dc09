/** A process of a stream of values: it writes them, sends them on, or reads every byte of them. It does its part in one round after another. */
import { bytesCodable } from '#src/descriptors/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { heldBy } from '../../descriptors/held-by.js';
import { answerCommands } from '../commanded-process.js';
import type { Memory, Part, StreamRole } from './rounds.js';

const SIZE_BYTES = 1024 * 1024;
/** Values are written with their numbers in front. */
const NUMBER_BYTES = 4;

const [controlPlane = '', node = ''] = process.argv.slice(2);
const runtime = await Runtime.start({ controlPlane, nodeName: node, log: silentLogger });
const pool = runtime.createPool({ limitBytes: 64 * SIZE_BYTES });

/** What this process does in one round. */
interface Work {
  readonly part: { moved: number; faults: string[]; error: string };
  readonly done: Promise<void>;
  end(): Promise<void>;
}
let work: Work | undefined;

async function write(part: Work['part'], to: string): Promise<Omit<Work, 'part'>> {
  const publisher = await runtime.publisher(to, bytesCodable, { pool });
  let isOver = false;
  const writing = async (): Promise<void> => {
    while (!isOver) {
      using block = await pool.allocate(SIZE_BYTES);
      block.bytes.fill(part.moved & 0xff);
      new DataView(block.bytes.buffer, block.bytes.byteOffset).setUint32(0, part.moved);
      await publisher.write(block.bytes);
      part.moved += 1;
    }
  };
  const end = async (): Promise<void> => {
    isOver = true;
    await publisher.close();
  };
  return { done: writing(), end };
}

async function sendOn(part: Work['part'], from: string, to: string): Promise<Omit<Work, 'part'>> {
  const publisher = await runtime.publisher(to, bytesCodable);
  const subscriber = await runtime.subscriber(from, bytesCodable);
  const relaying = async (): Promise<void> => {
    for await (const descriptor of subscriber.descriptors()) {
      await publisher.write(descriptor);
      part.moved += 1;
    }
  };
  const end = async (): Promise<void> => {
    await publisher.close();
    await subscriber.close();
  };
  return { done: relaying(), end };
}

async function read(part: Work['part'], from: string): Promise<Omit<Work, 'part'>> {
  const subscriber = await runtime.subscriber(from, bytesCodable);
  const reading = async (): Promise<void> => {
    for await (const bytes of subscriber) {
      const fault = faultIn(bytes, part.moved);
      if (fault !== undefined) part.faults.push(fault);
      part.moved += 1;
    }
  };
  return { done: reading(), end: () => subscriber.close() };
}

/** Looks at every byte. */
function faultIn(bytes: Uint8Array, expected: number): string | undefined {
  if (bytes.length !== SIZE_BYTES) return `value ${expected} has ${bytes.length} bytes`;
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (number !== expected) return `value ${number} follows on value ${expected - 1}`;
  const wrong = bytes.findIndex((byte, index) => index >= NUMBER_BYTES && byte !== (number & 0xff));
  return wrong < 0 ? undefined : `byte ${wrong} of value ${number} is ${bytes[wrong]}`;
}

async function begun(role: StreamRole, round: string): Promise<Work> {
  const part = { moved: 0, faults: [], error: '' };
  const [written, sentOn] = [`written-${round}`, `sent-on-${round}`];
  const begin = {
    owner: () => write(part, written),
    publisher: () => sendOn(part, written, sentOn),
    subscriber: () => read(part, sentOn),
  };
  const { done, end } = await begin[role]();
  const ended = done.catch((error: unknown) => {
    part.error = error instanceof Error ? error.name : 'no error';
  });
  return { part, done: ended, end };
}

answerCommands(
  {
    begin: async (role = '', round = '') => {
      work = await begun(role as StreamRole, round);
    },
    moved: async () => work?.part.moved ?? 0,
    /** Ends its part of the round. */
    end: async (): Promise<Part | undefined> => {
      await work?.end();
      await work?.done;
      return work?.part;
    },
    held: async (): Promise<Memory> => {
      pool.trim();
      const { owned, held } = runtime.metrics().values;
      const { blocks } = pool.statistics;
      return { owned, held, blocks, ...heldBy('self') };
    },
    stop: async () => {
      await runtime.stop();
      return heldBy('self');
    },
  },
  runtime.node,
);
