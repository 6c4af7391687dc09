import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** The types of all samples, as protobufjs reads them out of the .proto files. */
export async function loadProtos(): Promise<protobuf.Root> {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => `${repository}${target}`;
  return root.load(['protos/millrace/v1/envelope.proto', 'bench/protos/values.proto']);
}
