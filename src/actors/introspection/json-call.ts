import { Refusal } from '../../errors.js';
import { isRecord, messageOf } from '../../foreign.js';
import type { AnyMethod, v1 } from '../../protocol/index.js';
import type { Cell } from '../kernel/index.js';
import { jsonOf } from './actor-looks.js';

/** Characters of the JSON of a request. */
const REQUEST_CHARACTERS = 1_048_576;

/** Sends a message that is given as JSON. Throws a Refusal for one that the method does not take. */
export async function callByJson(actor: Cell, { method: name, json, isTell }: v1.JsonCall): Promise<v1.JsonReplyInit> {
  const method = methodOf(actor, name);
  const request = requestOf(method, json);
  if (isTell || method.mode === 'tell') {
    actor.tell(method, request, undefined);
    return {};
  }
  return { json: jsonOf(await actor.ask(method, request, undefined)) ?? '' };
}

function methodOf({ service, path }: Cell, name: string): AnyMethod {
  const method = Object.hasOwn(service.methods, name) ? service.methods[name] : undefined;
  if (method === undefined) {
    const known = Object.keys(service.methods).join(', ');
    throw new Refusal('NO_SUCH_METHOD', `${path} (${service.typeName}) has no method ${name}: it has ${known}.`);
  }
  if (method.mode === 'stream' || method.streamsRequests === true) {
    throw new Refusal(
      'STREAM',
      `${method.fullName} is a stream: only methods with one request and one reply can be called.`,
    );
  }
  return method;
}

function requestOf(method: AnyMethod, json: string): unknown {
  if (json.length > REQUEST_CHARACTERS) {
    throw new Refusal(
      'TOO_LARGE',
      `The request has ${json.length} characters; at most ${REQUEST_CHARACTERS} are taken.`,
    );
  }
  try {
    const value: unknown = JSON.parse(json === '' ? '{}' : json, revived);
    if (!isRecord(value) || Array.isArray(value)) throw new Refusal('BAD_REQUEST', 'it is no object');
    return method.request.create(value);
  } catch (error) {
    throw new Refusal('BAD_REQUEST', `This is no request of ${method.fullName}: ${messageOf(error)}`);
  }
}

/** `"12n"` is a 64-bit integer, `{ "base64": "..." }` are bytes. */
function revived(_key: string, value: unknown): unknown {
  if (typeof value === 'string' && /^-?\d{1,20}n$/.test(value)) return BigInt(value.slice(0, -1));
  if (isRecord(value) && Object.keys(value).length === 1 && typeof value['base64'] === 'string') {
    return new Uint8Array(Buffer.from(value['base64'], 'base64'));
  }
  return value;
}
