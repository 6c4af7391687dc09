/** Log records and errors as text for people. Nothing that they quote of others can steer a terminal or pass for a line of its own. */
import { isRecord } from '../foreign.js';
import { describeFields } from './describe-fields.js';
import { escapeLine } from './escape-controls.js';

export interface TextRecord {
  readonly timestamp?: unknown;
  readonly level: string;
  readonly message: unknown;
  /** Described by `describeFields`. */
  readonly [field: string]: unknown;
}

/** `12:30:01.250 warn  mailbox is full  actor=system/pricing messages=65536`, and the stacks of errors on lines of their own. */
export function textLine(
  { timestamp, level, message, ...fields }: TextRecord,
  { hasStacks = true }: { readonly hasStacks?: boolean } = {},
): string {
  const time = typeof timestamp === 'string' ? timestamp.slice(11, 23) : '';
  const pairs = Object.entries(fields).map(([name, value]) => `${escapeLine(name)}=${inText(value)}`);
  const parts = [`${time} ${level.padEnd(5)} ${escapeLine(String(message))}`, pairs.join(' ')];
  const stacks = hasStacks
    ? Object.values(fields)
        .filter(hasStack)
        .map((error) => `\n${stackLines(error).join('\n')}`)
    : [];
  return [...parts.filter((part) => part !== ''), ...stacks].join('  ');
}

/** An error with its stack and those of its causes, indented, on several lines. Never throws. */
export function errorText(error: unknown): string {
  return stackLines(describeFields({ error })['error']).join('\n');
}

function inText(value: unknown): string {
  if (typeof value === 'string')
    return /^[^\s"=]+$/.test(value) ? escapeLine(value) : escapeLine(JSON.stringify(value));
  if (isRecord(value) && typeof value['message'] === 'string') return escapeLine(JSON.stringify(value['message']));
  return escapeLine(JSON.stringify(value) ?? 'undefined');
}

/** What `describeFields` makes of an error. Lines of the stack begin with a blank, so that none looks like a record. */
function stackLines(shown: unknown): string[] {
  if (!hasStack(shown)) return [`  ${escapeLine(isRecord(shown) ? inText(shown) : String(shown))}`];
  const { stack, cause } = shown;
  const message = typeof shown['message'] === 'string' ? shown['message'] : '';
  const from = stack.indexOf(message);
  // Line feeds of the message are none of the stack's.
  const lines = (from === -1 ? stack : stack.slice(0, from) + escapeLine(message) + stack.slice(from + message.length))
    .split('\n')
    .map((line) => `  ${escapeLine(line)}`);
  if (cause === undefined) return lines;
  const [first = '', ...others] = stackLines(cause);
  return [...lines, `  caused by: ${first.trimStart()}`, ...others];
}

function hasStack(value: unknown): value is Readonly<Record<string, unknown>> & { readonly stack: string } {
  return isRecord(value) && typeof value['stack'] === 'string';
}
