import { encode, v1 } from '../../protocol/index.js';

/** Hash of a definition's encoding: equal in two partitions that built the same definition from the same module. */
export function definitionHash(definition: v1.PipelineDefinition): string {
  // Loaded on first use: a program without pipelines starts faster.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(encode(v1.PipelineDefinition, definition)).digest('hex').slice(0, 32);
}
