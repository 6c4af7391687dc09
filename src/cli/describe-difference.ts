import { inspect } from 'node:util';
import { decode, type AnyService, type v1 } from '../protocol/index.js';
import type { Difference } from '../recording/index.js';

type Thing = v1.RecordedEvent['event'];

/** A difference, for people: where the actor was, what it did then, and what it does now. */
export function describeDifference(service: AnyService, difference: Difference): string {
  const { index, atMs, during, recorded, done, message } = difference;
  const lines = [`It differs at event ${index}, ${atMs.toFixed(3)} ms into the run.`];
  if (during !== undefined) lines.push(`  while it dealt with:  ${describeThing(service, during.event)}`);
  if (message === undefined) {
    lines.push(`  then:  ${recorded === undefined ? 'nothing more' : describeThing(service, recorded)}`);
    lines.push(`  now:   ${done === undefined ? 'nothing' : describeThing(service, done)}`);
  } else lines.push(`  ${message}`);
  return `${lines.join('\n')}\n`;
}

/** One thing that came to an actor or that it did, on one line. `service` is the actor's own. */
function describeThing(service: AnyService, thing: Thing): string {
  switch (thing.case) {
    case 'message':
      return `${thing.value.method} ${valueOf(service, thing.value.method, 'request', thing.value.value)}`;
    case 'told':
    case 'asked': {
      const { to, method, value } = thing.value;
      return `${thing.case} ${nameOf(to)} ${method} ${valueOf(service, method, 'request', value)}`;
    }
    case 'outcome':
      return `the outcome of message ${thing.value.message}: ${resultOf(thing.value.result)}`;
    case 'answer':
      return `the answer to ask ${thing.value.ask}: ${resultOf(thing.value.result)}`;
    case 'timerFired':
      return `timer ${thing.value} fired`;
    case 'timerCancelled':
      return `timer ${thing.value} cancelled`;
    case 'watched':
    case 'unwatched':
      return `${thing.case} ${nameOf(thing.value)}`;
    case undefined:
      return 'nothing';
    default:
      return `${thing.case} ${inspect(thing.value, { breakLength: Number.POSITIVE_INFINITY })}`;
  }
}

/** Bytes as what they mean where the actor's own service says it, as hexadecimal digits elsewhere. */
function valueOf(service: AnyService, fullName: string, side: 'request' | 'response', value: Uint8Array): string {
  const method = Object.values(service.methods).find((each) => each.fullName === fullName);
  if (method === undefined) return hex(value);
  return inspect(decode(method[side], value), { breakLength: Number.POSITIVE_INFINITY });
}

function resultOf(result: v1.RecordedOutcome['result']): string {
  switch (result.case) {
    case 'value':
      return hex(result.value);
    case 'error':
      return `${result.value.code === '' ? 'an error' : result.value.code}: ${result.value.message}`;
    case undefined:
      return 'nothing';
  }
}

function nameOf(ref: v1.Ref | undefined): string {
  return ref === undefined ? 'nobody' : `${ref.service} ${ref.cUid.toString(16)}`;
}

function hex(bytes: Uint8Array): string {
  return bytes.length === 0 ? 'empty' : Buffer.from(bytes).toString('hex');
}
