import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** The types of all samples, loaded from the .proto files by protobufjs. */
export async function loadProtos(): Promise<protobuf.Root> {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => repository + folderOf(target) + target;
  return root.load(['protos/millrace/v1/envelope.proto', 'bench/protos/values.proto']);
}

/** The folder below which a proto has the name that others import it by. */
function folderOf(target: string): string {
  if (target.startsWith('google/')) return 'node_modules/protobufjs/';
  return target.startsWith('millrace/') ? 'protos/' : '';
}
