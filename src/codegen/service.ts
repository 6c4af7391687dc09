import type protobuf from 'protobufjs';
import { ConfigError } from '../errors.js';
import { methodName } from './names.js';
import { commentOf, fullNameOf, referenceTo } from './reflection.js';
import type { MethodSchema, ServiceSchema } from './schema.js';

const EMPTY = 'google.protobuf.Empty';

/** A service and its methods. Throws ConfigError for an rpc that Millrace does not have. */
export function describeService(object: protobuf.Service, path: string): ServiceSchema {
  const fullName = fullNameOf(object);
  const methods = object.methodsArray.map((method) => describeMethod(method, `${fullName}.${method.name}`, path));
  const names = new Set<string>();
  for (const { name, fullName: method } of methods) {
    if (names.has(name))
      throw new ConfigError(`${path}: rpc ${method} would be the second member "${name}". Rename it.`);
    names.add(name);
  }
  return { kind: 'service', name: referenceTo(object).name, fullName, comment: commentOf(object), methods };
}

function describeMethod(method: protobuf.Method, fullName: string, path: string): MethodSchema {
  if (method.requestStream === true) {
    throw new ConfigError(
      `${path}: rpc ${fullName} streams its requests, which Millrace cannot do yet. Send them with an ASYNC rpc, one by one.`,
    );
  }
  const { resolvedRequestType, resolvedResponseType } = method;
  if (resolvedRequestType === null || resolvedResponseType === null) {
    throw new ConfigError(`${path}: rpc ${fullName} takes or returns an unknown type.`);
  }
  const { mode, lane } = annotations(method, fullName, path);
  if (mode === 'ASYNC' && (method.responseStream === true || fullNameOf(resolvedResponseType) !== EMPTY)) {
    throw new ConfigError(`${path}: rpc ${fullName} is ASYNC, so nothing is answered: it must return ${EMPTY}.`);
  }
  return {
    name: methodName(method.name, fullName, path),
    fullName,
    mode: method.responseStream === true ? 'stream' : mode === 'ASYNC' ? 'tell' : 'ask',
    lane: lane === 'CONTROL' ? 0 : 1,
    request: referenceTo(resolvedRequestType),
    response: referenceTo(resolvedResponseType),
    comment: commentOf(method),
  };
}

const OPTIONS: Readonly<Record<string, readonly string[]>> = { mode: ['SYNC', 'ASYNC'], lane: ['DATA', 'CONTROL'] };

/** Our options of a method, such as `{ mode: 'ASYNC' }`. */
function annotations(method: protobuf.Method, fullName: string, path: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [spelling, value] of Object.entries(method.options ?? {})) {
    const name = /^\(\.?millrace\.v1\.(\w+)\)$/.exec(spelling)?.[1];
    if (name === undefined) continue;
    const accepted = OPTIONS[name];
    if (accepted === undefined) {
      throw new ConfigError(
        `${path}: rpc ${fullName} has the unknown option ${spelling}. There are millrace.v1.mode and millrace.v1.lane.`,
      );
    }
    if (!accepted.includes(String(value))) {
      throw new ConfigError(
        `${path}: rpc ${fullName} has ${spelling} = ${String(value)}; it accepts ${accepted.join(' or ')}.`,
      );
    }
    found[name] = String(value);
  }
  return found;
}
