import type { ConfigError } from '../errors.js';
import { checkOptions } from './check-options.js';
import { checkProto, importHint, type Place } from './place.js';
import { methodName } from './names.js';
import type { MethodSchema, ServiceSchema, TypeReference } from './schema.js';
import { type MessageSymbol, scopeOf, type ServiceSymbol } from './symbols.js';
import { type MethodNode, refusal } from './syntax/index.js';

const EMPTY = 'google.protobuf.Empty';
/** Where protos/millrace/v1/annotations.proto declares what methods can say to Millrace. */
const ANNOTATIONS = 'millrace.v1.';

/** A service and its methods. Throws ConfigError for an rpc that Millrace does not have. */
export function describeService({ node, fullName, exportedName }: ServiceSymbol, place: Place): ServiceSchema {
  const { file } = place;
  checkOptions(node.options, 'ServiceOptions', scopeOf(fullName), place);
  const warnings: string[] = [];
  const methods = node.methods.map((method) => describeMethod(method, fullName, place, warnings));
  const names = new Set<string>();
  for (const [index, { name, fullName: method }] of methods.entries()) {
    if (names.has(name)) {
      const line = node.methods[index]?.line ?? node.line;
      throw refusal(file.path, line, `rpc ${method} would be the second member "${name}". Rename it.`);
    }
    names.add(name);
  }
  return { kind: 'service', warnings, name: exportedName, fullName, comment: node.comment, methods };
}

function describeMethod(method: MethodNode, service: string, place: Place, warnings: string[]): MethodSchema {
  const fullName = `${service}.${method.name}`;
  const refuse = (why: string) => refusal(place.file.path, method.line, `rpc ${fullName} ${why}`);
  checkProto(method.name, `An rpc of ${service}`, method.line, place.file);
  const request = messageOf(method.request, fullName, method, place, warnings);
  const response = messageOf(method.response, fullName, method, place, warnings);
  const options = annotations(method, fullName, place);
  const isTell = saysTell(options, refuse);
  if (isTell && (method.streamsResponses || response.fullName !== EMPTY)) {
    throw refuse(`is a tell, so nothing is answered: it must return ${EMPTY}.`);
  }
  if (isTell && method.streamsRequests) {
    throw refuse(
      'is a tell, so nobody learns how a stream of requests ended. Leave the option out, or send one message at a time.',
    );
  }
  const name = methodName(method.name);
  if (name === undefined) {
    const member = method.name.charAt(0).toLowerCase() + method.name.slice(1);
    throw refuse(
      `would become the member "${member}", which references and behaviors have already. Give the rpc another name.`,
    );
  }
  return {
    name,
    fullName,
    mode: method.streamsResponses ? 'stream' : isTell ? 'tell' : 'ask',
    streamsRequests: method.streamsRequests,
    isIdempotent: isIdempotent(method),
    lane: options['lane'] === 'CONTROL' ? 0 : 1,
    request: referenceTo(request),
    response: referenceTo(response),
    comment: method.comment,
  };
}

/** What `option idempotency_level` of descriptor.proto says, whose value is checked already. */
function isIdempotent({ options }: MethodNode): boolean {
  return options.some(({ parts: [part], value }) => {
    if (part?.isExtension !== false || part.name !== 'idempotency_level' || value.kind !== 'word') return false;
    return value.text === 'IDEMPOTENT' || value.text === 'NO_SIDE_EFFECTS';
  });
}

/** Whether `tell = true` or `mode = ASYNC` makes it a tell. Throws what `refuse` makes when they contradict each other. */
function saysTell({ mode, tell }: Readonly<Record<string, string>>, refuse: (why: string) => ConfigError): boolean {
  if ((tell === 'true' && mode === 'SYNC') || (tell === 'false' && mode === 'ASYNC')) {
    throw refuse(`has tell = ${tell} and mode = ${mode}, which contradict each other. Remove one.`);
  }
  return tell === 'true' || mode === 'ASYNC';
}

/**
 * The message that the rpc `fullName` takes or returns as `name`. For protobuf a name means the innermost declaration, and protoc refuses it when
 * that is an rpc. There is no doubt which message is meant, so it is taken, and a warning says how to write it for other generators.
 */
function messageOf(
  name: string,
  fullName: string,
  { line }: MethodNode,
  { symbols, file }: Place,
  warnings: string[],
): MessageSymbol {
  const scope = scopeOf(fullName);
  const found = symbols.innermost(name, scope, file);
  if (found?.kind === 'message') return found;
  const refuse = (why: string) => refusal(file.path, line, `rpc ${fullName} takes or returns ${name}, ${why}`);
  const message = symbols.type(name, scope, file);
  if (found === undefined) throw refuse(`which is no message that is known here. ${importHint(name, symbols)}`);
  if (found.kind === 'enum') throw refuse('which is an enum. Put it into a message.');
  const what = `which means the ${found.kind} ${found.fullName} here, and no message.`;
  if (message?.kind !== 'message') throw refuse(what);
  if (found.kind === 'rpc') {
    warnings.push(
      `${file.path}:${line}: rpc ${fullName} takes or returns ${name}, which protoc refuses, because ${found.fullName} is an rpc. ` +
        `Write .${message.fullName} instead.`,
    );
    return message;
  }
  throw refuse(`${what} Write .${message.fullName} instead, or rename one of them.`);
}

function referenceTo({ file, exportedName, fullName }: MessageSymbol): TypeReference {
  return { file: file.path, name: exportedName, fullName };
}

/** Our options of a method, such as `{ mode: 'ASYNC' }`. */
function annotations(method: MethodNode, fullName: string, place: Place): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { extension, value } of checkOptions(method.options, 'MethodOptions', scopeOf(fullName), place)) {
    if (!extension.fullName.startsWith(ANNOTATIONS) || value.kind !== 'word') continue;
    found[extension.fullName.slice(ANNOTATIONS.length)] = value.text;
  }
  return found;
}
