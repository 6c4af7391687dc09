import { inspect } from 'node:util';
import { type AnyService, decode, type MessageType, type v1 } from '../protocol/index.js';
import type { v1 as onDemand } from '../protocol/on-demand/index.js';
import type { Difference, SegmentToReplay } from '../recording/index.js';

type Thing = onDemand.RecordedEvent['event'];

/** The type of the bytes in a recorded event, where it is known. */
export type TypeOf = (thing: Thing) => MessageType<unknown> | undefined;

/** A segment has one type of input and one of output. */
export function typesOfSegment({ ingress, egress }: SegmentToReplay): TypeOf {
  return ({ case: kind }) => (kind === 'element' ? ingress : kind === 'yielded' ? egress : undefined);
}

/** The service of an actor has the types of its messages, outcomes and elements. `events` are those of the actor. */
export function typesOfService(service: AnyService, events: readonly onDemand.RecordedEvent[]): TypeOf {
  const methods = new Map(Object.values(service.methods).map((method) => [method.fullName, method]));
  const opened = new Map<number, string>();
  for (const { event } of events) if (event.case === 'message') opened.set(event.value.number, event.value.method);
  return (thing) => {
    switch (thing.case) {
      case 'message':
      case 'told':
      case 'asked':
      case 'opened':
        return methods.get(thing.value.method)?.request;
      case 'outcome':
        return methods.get(opened.get(thing.value.message) ?? '')?.response;
      case 'yielded':
        return methods.get(opened.get(thing.value.stream) ?? '')?.response;
      default:
        return undefined;
    }
  };
}

/** A difference as text: the event, what the recording has, and what the replay does. */
export function describeDifference(typeOf: TypeOf, difference: Difference): string {
  const { index, atMs, during, recorded, done, message } = difference;
  const lines = [`It differs at event ${index}, ${atMs.toFixed(3)} ms into the run.`];
  if (during !== undefined) lines.push(`  while it dealt with:  ${describeThing(typeOf, during.event)}`);
  if (message === undefined) {
    lines.push(`  then:  ${recorded === undefined ? 'nothing more' : describeThing(typeOf, recorded)}`);
    lines.push(`  now:   ${done === undefined ? 'nothing' : describeThing(typeOf, done)}`);
  } else lines.push(`  ${message}`);
  return lines.join('\n');
}

/** One event of an actor, on one line. */
function describeThing(typeOf: TypeOf, thing: Thing): string {
  const value = (bytes: Uint8Array): string => valueOf(typeOf(thing), bytes);
  switch (thing.case) {
    case 'message':
      return `${thing.value.method} ${value(thing.value.value)}`;
    case 'told':
    case 'asked':
    case 'opened':
      return `${thing.case} ${nameOf(thing.value.to)} ${thing.value.method} ${value(thing.value.value)}`;
    case 'outcome':
      return `the outcome of message ${thing.value.message}: ${resultOf(thing.value.result, value)}`;
    case 'answer':
      return `the answer to ask ${thing.value.ask}: ${resultOf(thing.value.result, value)}`;
    case 'element':
    case 'yielded':
    case 'requestYielded':
      return `${thing.case} ${resultOf(thing.value.result, value)}`;
    case 'timerFired':
      return `timer ${thing.value} fired`;
    case 'timerCancelled':
      return `timer ${thing.value} cancelled`;
    case 'watched':
    case 'unwatched':
      return `${thing.case} ${nameOf(thing.value)}`;
    case 'start':
      return `the start of ${thing.value.path}`;
    case undefined:
      return 'nothing';
    default:
      return `${thing.case} ${text(thing.value)}`;
  }
}

/** The decoded value where the type is known, otherwise hexadecimal digits. */
function valueOf(type: MessageType<unknown> | undefined, bytes: Uint8Array): string {
  if (type !== undefined) return text(decode(type, bytes));
  return bytes.length === 0 ? 'empty' : Buffer.from(bytes).toString('hex');
}

type Result = onDemand.RecordedOutcome['result'] | onDemand.RecordedElement['result'];

function resultOf(result: Result, value: (bytes: Uint8Array) => string): string {
  switch (result.case) {
    case 'value':
      return value(result.value);
    case 'error':
      return `${result.value.code === '' ? 'an error' : result.value.code}: ${result.value.message}`;
    case 'end':
      return 'the end';
    case undefined:
      return 'nothing';
  }
}

function nameOf(ref: v1.Ref | undefined): string {
  return ref === undefined ? 'nobody' : `${ref.service} ${ref.cUid.toString(16)}`;
}

function text(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}
