/** The fixtures/everything.proto, compiled by our generator and read by protobufjs: two codecs to hold against each other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generate } from '#src/codegen/index.js';
import type { MessageType } from '#src/protocol/index.js';
import protobuf from 'protobufjs';

export const repository = fileURLToPath(new URL('../../../', import.meta.url));
export const fixtures = join(repository, 'test/codegen/fixtures');
const proto = join(fixtures, 'everything.proto');

/** A message of a type that only the test's .proto knows. */
export type AnyMessage = Record<string, unknown>;

/** The class that views such a message. */
export interface AnyView {
  of(bytes: Uint8Array): object;
}

export interface Everything {
  /** Where the generated modules are: inside the repository, so that they find `millrace/protocol`. */
  readonly folder: string;
  readonly exported: Readonly<Record<string, unknown>>;
  ours(name: string): MessageType<AnyMessage, AnyMessage>;
  view(name: string): AnyView;
  theirs(name: string): protobuf.Type;
  remove(): Promise<void>;
}

export async function compileEverything(): Promise<Everything> {
  const folder = await mkdtemp(join(repository, 'build/generated-'));
  await generate({ files: [proto], out: folder, views: true });
  const exported = (await import(pathToFileURL(join(folder, 'everything.js')).href)) as Record<string, unknown>;
  const views = (await import(pathToFileURL(join(folder, 'everything.views.js')).href)) as Record<string, unknown>;
  const root = loadWithProtobufjs(proto);
  return {
    folder,
    exported,
    ours: (name) => exported[name.replaceAll('.', '_')] as MessageType<AnyMessage, AnyMessage>,
    view: (name) => views[`${name.replaceAll('.', '_')}View`] as AnyView,
    theirs: (name) => root.lookupType(`everything.${name}`),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A .proto as protobufjs itself understands it, with all it imports. */
export function loadWithProtobufjs(file: string): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => {
    if (target === 'google/protobuf/descriptor.proto') return join(repository, 'node_modules/protobufjs', target);
    return /^(google|millrace)\//.test(target) ? join(repository, 'protos', target) : target;
  };
  return root.loadSync(file, { keepCase: true }).resolveAll() as protobuf.Root;
}
