import { encode, v1 } from '../../protocol/index.js';

/** Hash of a definition's encoded form: equal where two partitions rebuilt the same definition from the same module. */
export function definitionHash(definition: v1.PipelineDefinition): string {
  // A program without pipelines starts sooner without it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(encode(v1.PipelineDefinition, definition)).digest('hex').slice(0, 32);
}
