import type { Cursor } from './cursor.js';
import { parseOptionStatement } from './parse-options.js';
import type { MethodNode, OptionNode, ServiceNode } from './tree.js';

export function parseService(cursor: Cursor): ServiceNode {
  const { line } = cursor.take();
  const name = cursor.word('the name of a service');
  cursor.expect('{', `behind service ${name}`);
  const comment = cursor.commentAbove(line) ?? cursor.commentBehind();
  const options: OptionNode[] = [];
  const methods: MethodNode[] = [];
  while (!cursor.skip('}')) {
    if (cursor.skip(';')) continue;
    if (cursor.skip('option')) options.push(parseOptionStatement(cursor));
    else methods.push(parseMethod(cursor));
  }
  return { name, line, comment, options, methods };
}

function parseMethod(cursor: Cursor): MethodNode {
  const { line } = cursor.peek();
  cursor.expect('rpc', 'or "}" in the service');
  const name = cursor.word('the name of an rpc');
  const { type: request, isStream: streamsRequests } = parseSide(cursor, `rpc ${name}`);
  cursor.expect('returns', `in rpc ${name}`);
  const { type: response, isStream: streamsResponses } = parseSide(cursor, 'returns');
  const options = parseMethodOptions(cursor, name);
  const comment = cursor.commentAbove(line) ?? cursor.commentBehind();
  return { name, line, comment, options, request, response, streamsRequests, streamsResponses };
}

function parseSide(cursor: Cursor, behind: string): { readonly type: string; readonly isStream: boolean } {
  cursor.expect('(', `behind ${behind}`);
  const isStream = cursor.skip('stream');
  const type = cursor.dottedName('the name of a message');
  cursor.expect(')', 'behind the name of a message');
  return { type, isStream };
}

function parseMethodOptions(cursor: Cursor, name: string): readonly OptionNode[] {
  const options: OptionNode[] = [];
  if (cursor.skip(';')) return options;
  cursor.expect('{', `or ";" behind rpc ${name}`);
  while (!cursor.skip('}')) {
    if (cursor.skip(';')) continue;
    cursor.expect('option', `or "}" in rpc ${name}`);
    options.push(parseOptionStatement(cursor));
  }
  return options;
}
