import type { Output, SegmentCode, InterceptedSegment } from '../actors/runtime/index.js';
import type { MessageType } from '../protocol/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import { errorRecord, valueRecord } from './records.js';

type Event = v1.RecordedEventInit['event'];
type Log = (event: Event) => void;

/** A segment has one input and one output: both have the number 0. */
const ONLY = 0;

export interface SegmentRecordOptions {
  readonly number: number;
  readonly path: string;
  readonly nowMs: () => number;
  readonly emit: (event: v1.RecordedEventInit) => void;
}

/** Wraps the code of a segment, to record what it reads and writes. */
export function recordedSegment(
  { number, path, nowMs, emit }: SegmentRecordOptions,
  { ingress, egress, pipeline, args, name, instance, partition }: InterceptedSegment,
  code: SegmentCode,
): SegmentCode {
  const log: Log = (event) => emit({ actor: number, atMs: nowMs(), event });
  const run: SegmentCode['run'] = async (input, output, context) => {
    log({ case: 'start', value: { path, segment: { pipeline, args, name, instance, partition } } });
    try {
      const read = ingress === undefined ? input : recordedInput(input, ingress, log);
      await code.run(read, egress === undefined ? output : recordedOutput(output, egress, log), context);
      log({ case: 'outcome', value: { message: ONLY } });
    } catch (error) {
      log({ case: 'outcome', value: { message: ONLY, result: { case: 'error', value: errorRecord(error) } } });
      throw error;
    }
  };
  return { ...code, run };
}

function recordedInput(input: AsyncIterable<unknown>, type: MessageType<unknown>, log: Log): AsyncIterable<unknown> {
  const received = (result: NonNullable<v1.RecordedElementInit['result']>): void =>
    log({ case: 'element', value: { stream: ONLY, result } });
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = input[Symbol.asyncIterator]();
      return {
        next: async () => {
          try {
            const step = await iterator.next();
            received(step.done === true ? { case: 'end', value: {} } : valueRecord(type, step.value));
            return step;
          } catch (error) {
            received({ case: 'error', value: errorRecord(error) });
            throw error;
          }
        },
        return: async () => {
          log({ case: 'closed', value: ONLY });
          return (await iterator.return?.()) ?? { done: true, value: undefined };
        },
      };
    },
  };
}

function recordedOutput(output: Output<unknown>, type: MessageType<unknown>, log: Log): Output<unknown> {
  return {
    write: (value) => {
      log({ case: 'yielded', value: { stream: ONLY, result: valueRecord(type, value) } });
      return output.write(value);
    },
  };
}
